/**
 * One matrix product per expert over rows that are sorted by expert, without padding.
 *
 * Legend: E = local experts, N = rows, `n_e` = rows of expert `e`, D = input features, F = output features.
 *
 * ```text
 *   y_e = x_e W_e      dx_e = dy_e W_e^T      dW_e = x_e^T dy_e      x_e: rows of expert e, [n_e, D]
 * ```
 *
 * @packageDocumentation
 */
import { ContractError } from "@meshwright/core";
import {
  concat,
  customGrad,
  matMul,
  reshape,
  slice,
  zeros,
  type GradSaveFunc,
  type Tensor,
  type Tensor2D,
} from "@tensorflow/tfjs";
import { rowStarts } from "./permutation.ts";

/**
 * Each row times the matrix of its expert. An expert without rows costs nothing, and its gradient is 0.
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
  checkShapes(x, w, counts);
  const groups = groupsOf(counts);
  return customGrad((...inputs) => {
    const [rows, weights, save] = inputs as [Tensor, Tensor, GradSaveFunc];
    save([rows, weights]);
    return {
      value: products(rows, weights, { groups, transposed: false }),
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [x1, w1] = saved as [Tensor, Tensor];
        return [products(dy, w1, { groups, transposed: true }), weightGradient(x1, dy, groups)];
      },
    };
  })(x, w);
}

/** Rows of an expert. */
interface Group {
  readonly expert: number;
  readonly start: number;
  readonly count: number;
}

function groupsOf(counts: Int32Array): Group[] {
  const starts = rowStarts(counts);
  return Array.from(counts, (count, expert) => ({ expert, start: starts[expert]!, count }));
}

function rowsOf(x: Tensor, { start, count }: Group): Tensor2D {
  return slice(x as Tensor2D, [start, 0], [count, x.shape[1]!]);
}

function products(
  x: Tensor,
  w: Tensor,
  { groups, transposed }: { readonly groups: readonly Group[]; readonly transposed: boolean },
): Tensor {
  const [, inFeatures, outFeatures] = w.shape as [number, number, number];
  const filled = groups.filter(({ count }) => count > 0);
  if (filled.length === 0) return zeros([0, transposed ? inFeatures : outFeatures]);
  const parts = filled.map((group) => {
    const matrix = slice(w, [group.expert, 0, 0], [1, inFeatures, outFeatures]);
    return matMul(rowsOf(x, group), reshape(matrix, [inFeatures, outFeatures]), false, transposed); // [n_e, D] x [D, F] -> [n_e, F]
  });
  return parts.length === 1 ? parts[0]! : concat(parts as Tensor2D[], 0);
}

function weightGradient(x: Tensor, dy: Tensor, groups: readonly Group[]): Tensor {
  const [inFeatures, outFeatures] = [x.shape[1]!, dy.shape[1]!];
  const parts = groups.map(
    (group) =>
      group.count === 0
        ? zeros([inFeatures, outFeatures])
        : matMul(rowsOf(x, group), rowsOf(dy, group), true), // [n_e, D] x [n_e, F] -> [D, F]
  );
  return reshape(parts.length === 1 ? parts[0]! : concat(parts as Tensor2D[], 0), [
    groups.length,
    inFeatures,
    outFeatures,
  ]);
}

function checkShapes(x: Tensor, w: Tensor, counts: Int32Array): void {
  const where = "groupedLinear";
  if (w.rank !== 3 || w.shape[0] !== counts.length || x.rank !== 2 || x.shape[1] !== w.shape[1]) {
    throw new ContractError(
      `${where}: w (shape [${w.shape.join(", ")}]) must have shape [${counts.length}, ${x.shape.at(-1) ?? "D"}, F], one matrix per expert over the last dim of x (shape [${x.shape.join(", ")}]); use matching sizes.`,
    );
  }
  const numRows = counts.reduce((sum, count) => sum + count, 0);
  if (numRows === x.shape[0]) return;
  throw new ContractError(
    `${where}: counts (sum ${numRows}) must add up to the rows of x (${x.shape[0]}); use the counts of the permutation that sorted them.`,
  );
}
