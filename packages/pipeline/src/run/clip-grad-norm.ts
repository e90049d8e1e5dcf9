/**
 * Clips gradients by their norm over all stages.
 *
 * @packageDocumentation
 */
import { ContractError, type NamedGradients, type ProcessGroup } from "@meshwright/core";
import { addN, mul, square, sum, tidy, type Scalar, type Tensor } from "@tensorflow/tfjs";

/** Added to the norm before dividing by it, as `torch.nn.utils.clip_grad_norm_` does. */
const EPSILON = 1e-6;

/** What to clip to, and who takes part. */
export interface ClipOptions {
  readonly maxNorm: number;
  /** Ranks that differ only in their stage. */
  readonly group: ProcessGroup;
  /** Whether the gradient counts on this rank; that of a tied parameter counts on one. */
  readonly counts: (name: string) => boolean;
}

/** Norm before clipping, and new gradients that the caller owns. */
export interface ClippedGradients {
  readonly norm: number;
  readonly grads: NamedGradients;
}

/** As `clipGradNorm` of core, with one more all-reduce of 4 bytes over the stages. */
export function clipOverStages(
  grads: NamedGradients,
  { maxNorm, group, counts }: ClipOptions,
): ClippedGradients {
  if (!(maxNorm > 0)) {
    throw new ContractError(
      `Pipeline.clipGradNorm: maxNorm (${maxNorm}) must be positive; use for example 1.`,
    );
  }
  const counted = [...grads].filter(([name]) => counts(name)).map(([, gradient]) => gradient);
  const total = Float32Array.of(sumOfSquares(counted));
  group.allReduce(total, { label: "squared gradient norm" });
  const norm = Math.sqrt(total[0]!);
  const factor = Math.min(1, maxNorm / (norm + EPSILON));
  const clipped = new Map<string, Tensor>();
  for (const [name, gradient] of grads) clipped.set(name, mul(gradient, factor));
  return { norm, grads: clipped };
}

function sumOfSquares(gradients: readonly Tensor[]): number {
  if (gradients.length === 0) return 0;
  const total = tidy(() => addN(gradients.map((gradient) => sum<Scalar>(square(gradient)))));
  const [value] = total.dataSync();
  total.dispose();
  return value!;
}
