/**
 * One matrix product per expert over rows that are sorted by expert, without padding.
 *
 * @packageDocumentation
 */
import { groupedLinear as product } from "@meshwright/core";
import type { Tensor } from "@tensorflow/tfjs";

/**
 * Each row times the matrix of its expert: core's kernel, which multiplies every expert's rows where they lie. An expert
 * without rows costs nothing, and its gradient is 0.
 *
 * Legend: E = local experts, N = rows, `n_e` = rows of expert `e`, D = input features, F = output features.
 *
 * ```text
 *   y_e = x_e W_e      dx_e = dy_e W_e^T      dW_e = x_e^T dy_e      x_e: rows of expert e, [n_e, D]
 * ```
 *
 * Nothing communicates. Matrices that are split over an axis by columns (`Shard(2)`) give split columns, and by rows
 * (`Shard(1)`) a partial sum, as a linear layer's are: that is tensor parallelism inside experts.
 *
 * @param x - `[N, D]` float32, sorted by expert
 * @param w - `[E, D, F]` float32
 * @param counts - `[E]`: rows of each expert
 * @returns `[N, F]`; the caller's scope owns it
 * @throws ContractError if the counts do not add up to N, or a shape does not fit.
 * @example
 * ```ts
 * const w = tf.tensor3d([[[2]], [[10]]]); // two experts that scale
 * groupedLinear(tf.tensor2d([[1], [2], [3]]), w, Int32Array.of(2, 1)); // [[2], [4], [30]]
 * ```
 * @see Gale et al. 2022, "MegaBlocks", section 4, https://arxiv.org/abs/2211.15841
 */
export function groupedLinear(x: Tensor, w: Tensor, counts: Int32Array): Tensor {
  return product(x, w, { counts });
}
