/**
 * Rotary position embedding: each pair of features is turned by an angle that grows with the position.
 *
 * Legend: B = any leading dims, T = positions, D = features of a head, `h = D / 2`; p = position of the row,
 * f_i = frequency of pair i.
 *
 * ```text
 * pair i = features i and i + h (the two halves of a row, as Hugging Face's Llama stores them)
 *
 *   y_i     = x_i cos(p f_i) - x_{i+h} sin(p f_i)
 *   y_{i+h} = x_{i+h} cos(p f_i) + x_i sin(p f_i)
 *
 * backward   the same kernel, turning the other way: nothing but the positions is saved
 * ```
 *
 * @see Su et al. 2021, "RoFormer: enhanced transformer with rotary position embedding", section 3.2,
 * https://arxiv.org/abs/2104.09864
 * @packageDocumentation
 */
import { engine, type GradConfig, type Tensor, type TensorInfo } from "@tensorflow/tfjs";
import { ContractError } from "../errors.ts";
import { createFloats, referenceKernel, viewFloats, viewIntegers, type KernelCall } from "./reference.ts";
import { lastDim, requireShape } from "./shape-check.ts";

/** Output: one tensor of the shape of `x`. */
export const ROTARY_EMBEDDING = "RotaryEmbedding";

/** `x: [B, T, D]`, `positions: [T]` int32. */
export type RotaryEmbeddingInputs = Record<"x" | "positions", TensorInfo>;
/** `frequencies`: radians per position, one per pair of features. `inverse`: turn the other way. */
// eslint-disable-next-line @typescript-eslint/consistent-type-definitions -- an interface does not fit NamedAttrMap
export type RotaryEmbeddingAttrs = {
  readonly frequencies: number[];
  readonly inverse: boolean;
};

/**
 * Turns pair `i` of row `t` of `x` by `positions[t] * frequencies[i]` radians.
 *
 * @param x - `[B, T, D]` float32
 * @param options - `positions`: `[T]` int32, in any order; `frequencies`: `D / 2` numbers
 * @returns a tensor of the shape of `x`; the caller's scope owns it
 * @throws ContractError if `D` is not twice the number of frequencies, or `positions` not `[T]` int32.
 */
export function rotaryEmbedding(
  x: Tensor,
  options: { readonly positions: Tensor; readonly frequencies: readonly number[] },
): Tensor {
  const { positions, frequencies } = options;
  const features = lastDim("rotaryEmbedding: x", x);
  if (x.rank < 2 || features !== 2 * frequencies.length) {
    throw new ContractError(
      `rotaryEmbedding: x (shape [${x.shape.join(", ")}]) must have shape [..., T, ${2 * frequencies.length}], two features per frequency (${frequencies.length}); use rotaryFrequencies of the head's features.`,
    );
  }
  requireShape("rotaryEmbedding: positions", positions, {
    shape: x.shape.slice(-2, -1),
    dtype: "int32",
    because: "one per row of x",
  });
  const attrs: RotaryEmbeddingAttrs = { frequencies: [...frequencies], inverse: false };
  return engine().runKernel<Tensor>(ROTARY_EMBEDDING, { x, positions }, attrs);
}

/** Turns the gradient back; the positions have none. */
export const rotaryEmbeddingGradConfig: GradConfig = {
  kernelName: ROTARY_EMBEDDING,
  inputsToSave: ["positions"],
  gradFunc: (dy, saved, attrs) => {
    const { frequencies, inverse } = attrs as RotaryEmbeddingAttrs;
    const back: RotaryEmbeddingAttrs = { frequencies, inverse: !inverse };
    const [positions] = saved as [Tensor];
    return {
      x: () => engine().runKernel<Tensor>(ROTARY_EMBEDDING, { x: dy as Tensor, positions }, back),
    };
  },
};

/**
 * Cosine and sine of every angle, `[T, D / 2]` each: what all heads and sequences share.
 *
 * The angle is reduced in float64, so that a late position is as exact as an early one.
 */
export function rotaryTable(
  positions: Int32Array,
  { frequencies, inverse }: RotaryEmbeddingAttrs,
): { readonly cos: Float32Array; readonly sin: Float32Array } {
  const half = frequencies.length;
  const cos = new Float32Array(positions.length * half);
  const sin = new Float32Array(positions.length * half);
  for (let t = 0, at = 0; t < positions.length; t++) {
    const position = inverse ? -positions[t]! : positions[t]!;
    for (let i = 0; i < half; i++, at++) {
      const angle = position * frequencies[i]!;
      cos[at] = Math.cos(angle);
      sin[at] = Math.sin(angle);
    }
  }
  return { cos, sin };
}

/** The meaning of `RotaryEmbedding`. */
export const rotaryEmbeddingReference = referenceKernel(ROTARY_EMBEDDING, rotate);

function rotate({
  inputs: { x, positions },
  attrs,
  memory,
}: KernelCall<RotaryEmbeddingInputs, RotaryEmbeddingAttrs>): TensorInfo {
  const half = attrs.frequencies.length;
  return createFloats(memory, x.shape, (out) => {
    const { cos, sin } = rotaryTable(viewIntegers(memory, positions), attrs);
    const xs = viewFloats(memory, x);
    for (let start = 0, at = 0; start < out.length; start += 2 * half) {
      if (at === cos.length) at = 0;
      for (let i = start; i < start + half; i++, at++) {
        const first = xs[i]!;
        const second = xs[i + half]!;
        out[i] = first * cos[at]! - second * sin[at]!;
        out[i + half] = second * cos[at]! + first * sin[at]!;
      }
    }
  });
}
