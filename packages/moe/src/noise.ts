/**
 * Additive noise on a router's logits, of a size that is learned.
 *
 * @packageDocumentation
 */
import { fillNormal, type StreamId } from "@meshwright/core";
import { mul, softplus, tensor, tidy, type Tensor } from "@tensorflow/tfjs";

/**
 * `n * softplus(size)` with `n` standard normal, a function of (seed, name, global index): the same on every mesh.
 *
 * Every rank draws all of `n`. No communication. Differentiable by `size`.
 *
 * @param size - `[T, E]`
 * @returns `[T, E]`; the caller's scope owns it
 * @see Shazeer et al. 2017, equation 4, https://arxiv.org/abs/1701.06538
 */
export function noiseOf(size: Tensor, { seed, name }: StreamId): Tensor {
  return tidy(() => {
    const { shape } = size;
    const values = new Float32Array(size.size);
    const region = { globalShape: shape, localShape: shape, offset: shape.map(() => 0) };
    fillNormal(values, { seed, name: `${name}:noise`, std: 1, ...region });
    return mul(tensor(values, shape), softplus(size));
  });
}
