/**
 * The frequencies and positions of rotary position embedding.
 *
 * Legend: T = positions, D = features of a head, i = pair of features, `0..D/2-1`.
 *
 * @packageDocumentation
 */
import { range, tidy, type Tensor } from "@tensorflow/tfjs";
import { ContractError } from "../errors.ts";
import { rotaryEmbedding } from "../kernels/rotary-embedding.ts";

/** Llama 3.1's stretching of a model's context after training. */
export interface Llama3Scaling {
  /** Low frequencies are divided by it. */
  readonly factor: number;
  /** Pairs that turn less often than this in the original context are low. */
  readonly lowFrequencyFactor: number;
  /** Pairs that turn more often than this in the original context stay as they are. */
  readonly highFrequencyFactor: number;
  /** Positions that the model was first trained on. */
  readonly originalContextLength: number;
}

/** How fast pairs of features turn. */
export interface RotaryOptions {
  /** Base of the frequencies. Default 10,000; Llama 3 has 500,000. */
  readonly theta?: number;
  /** Default: none. */
  readonly scaling?: Llama3Scaling;
}

/**
 * `theta ^ (-2 i / D)` radians per position, for each pair `i`.
 *
 * @param headFeatures - D
 * @throws ContractError if `headFeatures` is not a positive even integer or `theta` is not above 0.
 * @see Su et al. 2021, "RoFormer", section 3.2.2, https://arxiv.org/abs/2104.09864
 */
export function rotaryFrequencies(headFeatures: number, options: RotaryOptions = {}): readonly number[] {
  const { theta = 10_000, scaling } = options;
  if (!Number.isInteger(headFeatures) || headFeatures < 2 || headFeatures % 2 !== 0) {
    throw new ContractError(
      `rotaryFrequencies: headFeatures (${headFeatures}) must be a positive even integer, as features turn in pairs; use an even number of features per head.`,
    );
  }
  if (!(theta > 0)) {
    throw new ContractError(
      `rotaryFrequencies: theta (${theta}) must be above 0; use for example theta: 10000.`,
    );
  }
  const plain = Array.from({ length: headFeatures / 2 }, (_, i) => theta ** ((-2 * i) / headFeatures));
  return scaling === undefined ? plain : plain.map((frequency) => stretched(frequency, scaling));
}

/** Low frequencies are divided by the factor, high ones stay, those between are blended. */
function stretched(frequency: number, scaling: Llama3Scaling): number {
  const { factor, lowFrequencyFactor, highFrequencyFactor, originalContextLength } = scaling;
  const turns = (originalContextLength * frequency) / (2 * Math.PI);
  const share = (turns - lowFrequencyFactor) / (highFrequencyFactor - lowFrequencyFactor);
  const kept = Math.min(1, Math.max(0, share));
  return kept * frequency + (1 - kept) * (frequency / factor);
}

/** Turns queries and keys by their positions. */
export class RotaryEmbedding {
  /** Radians per position, one per pair of features. */
  readonly frequencies: readonly number[];

  /** @throws ContractError as `rotaryFrequencies`. */
  constructor({ headFeatures, ...options }: RotaryOptions & { readonly headFeatures: number }) {
    this.frequencies = rotaryFrequencies(headFeatures, options);
  }

  /**
   * @param x - `[..., T, D]`
   * @param positions - `[T]` int32; default `0..T-1`
   * @returns a tensor of the shape of `x`; the caller's scope owns it
   * @throws ContractError if the last dims of `x` do not fit.
   */
  apply(x: Tensor, positions?: Tensor): Tensor {
    const { frequencies } = this;
    return tidy(() =>
      rotaryEmbedding(x, { positions: positions ?? range(0, x.shape.at(-2) ?? 0, 1, "int32"), frequencies }),
    );
  }
}
