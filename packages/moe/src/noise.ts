/**
 * Additive noise on a router's logits, of a size that is learned.
 *
 * @packageDocumentation
 */
import { randomScale, type StreamId } from "@meshwright/core";
import { softplus, tidy, type Tensor } from "@tensorflow/tfjs";

/**
 * `n * softplus(size)` with `n` standard normal, a function of (seed, name, global index): the same on every mesh.
 *
 * A rank draws the numbers of the rows that it holds. No communication. Differentiable by `size`.
 *
 * @param size - float32 `[T, E]`
 * @returns `[T, E]`; the caller's scope owns it
 * @see Shazeer et al. 2017, equation 4, https://arxiv.org/abs/1701.06538
 */
export function noiseOf(size: Tensor, { seed, name }: StreamId): Tensor {
  const stream = { seed, name: `${name}:noise` };
  return tidy(() => randomScale(softplus(size), { distribution: "normal", spread: 1, ...stream }));
}
