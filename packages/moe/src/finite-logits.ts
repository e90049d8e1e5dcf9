/**
 * Finds logits that are no numbers before they choose experts.
 *
 * @packageDocumentation
 */
import { ContractError, type NumericArray } from "@meshwright/core";
import { toLocal } from "@meshwright/sharding";
import { getBackend, type Tensor } from "@tensorflow/tfjs";

/**
 * Checks this rank's part of the logits. No communication, and on engines in the rank's own memory no waiting: one pass
 * over `T / p * E` numbers. The rank that holds a bad one throws, and its world ends with that error.
 *
 * @throws ContractError that names the layer, the step, and the first bad element.
 */
export function requireFiniteLogits(
  logits: Tensor,
  { name, step }: { readonly name: string; readonly step: number | undefined },
): void {
  const { values, firstRow } = localValues(logits);
  if (areFinite(values)) return;
  const at = values.findIndex((value) => !Number.isFinite(value));
  const numExperts = logits.shape[1]!;
  const when = step === undefined ? "" : ` at step ${step}`;
  throw new ContractError(
    `Router ${name}${when}: logits (${values[at]!} for token ${firstRow + Math.floor(at / numExperts)}, expert ${at % numExperts}) must be finite; use a smaller learning rate, zLoss, or clipGradNorm.`,
  );
}

/**
 * One pass without branches: 0 times what is no finite number is NaN, and stays in the sum. By index, because an
 * iterator over a typed array is several times slower.
 */
function areFinite(values: NumericArray): boolean {
  let sum = 0;
  for (let i = values.length; i-- > 0;) sum += values[i]! * 0;
  return sum === 0;
}

function localValues(logits: Tensor): { readonly values: NumericArray; readonly firstRow: number } {
  if (getBackend() !== "sharded") return { values: logits.dataSync<"float32">(), firstRow: 0 };
  const { values, offset } = toLocal(logits);
  return { values, firstRow: offset[0]! };
}
