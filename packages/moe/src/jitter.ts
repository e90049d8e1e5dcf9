/**
 * Multiplicative noise on a router's input.
 *
 * @packageDocumentation
 */
import { fillUniform, type StreamId } from "@meshwright/core";
import { mul, tensor, tidy, type Tensor } from "@tensorflow/tfjs";

/**
 * `x * u` with `u` uniform in `[1 - width, 1 + width)`, a function of (seed, name, global index): the same on every mesh.
 *
 * Every rank draws all of `u` (a Philox word per element of the whole `x`). No communication.
 *
 * @returns a tensor of the shape and placements of `x`; the caller's scope owns it
 * @see Fedus et al. 2021, "Switch Transformers", appendix, https://arxiv.org/abs/2101.03961
 */
export function jitter(x: Tensor, { width, seed, name }: StreamId & { readonly width: number }): Tensor {
  return tidy(() => {
    const values = new Float32Array(x.size);
    const region = { globalShape: x.shape, localShape: x.shape, offset: x.shape.map(() => 0) };
    fillUniform(values, { seed, name, bound: width, ...region });
    for (let i = 0; i < values.length; i++) values[i]! += 1;
    return mul(x, tensor(values, x.shape));
  });
}
