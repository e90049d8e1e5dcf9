/**
 * Multiplicative noise on a router's input.
 *
 * @packageDocumentation
 */
import { randomScale, type StreamId } from "@meshwright/core";
import type { Tensor } from "@tensorflow/tfjs";

/**
 * `x * u` with `u` uniform in `[1 - width, 1 + width)`, a function of (seed, name, global index): the same on every mesh.
 *
 * A rank draws the numbers of the elements that it holds. No communication; the backward pass draws them again.
 *
 * @param x - float32
 * @returns a tensor of the shape and placements of `x`; the caller's scope owns it
 * @see Fedus et al. 2021, "Switch Transformers", appendix, https://arxiv.org/abs/2101.03961
 */
export function jitter(x: Tensor, { width, seed, name }: StreamId & { readonly width: number }): Tensor {
  return randomScale(x, { distribution: "uniform", center: 1, spread: width, seed, name });
}
