/**
 * The features of a position, as those of its heads.
 *
 * Legend: B = sequences, T = positions, H = heads, Dh = features of a head.
 *
 * @packageDocumentation
 */
import { reshape, transpose, type Tensor } from "@tensorflow/tfjs";

/** `[B, T, H Dh] -> [B, H, T, Dh]`; the caller's scope owns the result. */
export function splitHeads(x: Tensor, heads: number): Tensor {
  const [batch, positions, features] = x.shape as [number, number, number];
  const split = reshape(x, [batch, positions, heads, features / heads]);
  return transpose(split, [0, 2, 1, 3]); // [B, T, H, Dh] -> [B, H, T, Dh]
}

/** `[B, H, T, Dh] -> [B, T, H Dh]`; the caller's scope owns the result. */
export function joinHeads(x: Tensor): Tensor {
  const [batch, heads, positions, headFeatures] = x.shape as [number, number, number, number];
  return reshape(transpose(x, [0, 2, 1, 3]), [batch, positions, heads * headFeatures]);
}
