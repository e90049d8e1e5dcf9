/**
 * Moves tokens to the order of their experts and back.
 *
 * Legend: T = tokens, K = choices per token, N = kept choices, D = features, E = experts, C = capacity.
 *
 * ```text
 * permute     y[n] = x[token(n)]                            dx[t] = sum over rows n of t of dy[n]
 * unpermute   z[t] = sum over rows n of t of w(n) y[n]      dy[n] = w(n) dz[token(n)];  dw(n) = <dz[token(n)], y[n]>
 * ```
 *
 * Nothing communicates. The caller's scope owns the results. All of it works on no tokens at all, and still takes part in
 * the backward pass then, so that ranks without tokens make the collectives of the others.
 *
 * @packageDocumentation
 */
import { ContractError } from "@meshwright/core";
import { customGrad, mul, reshape, sum, type GradSaveFunc, type Tensor } from "@tensorflow/tfjs";
import { paddedRows, type Permutation, type RowOrder } from "./permutation.ts";
import { addRows, takeRows } from "./row-kernels.ts";

/**
 * A copy of its token for each kept choice, sorted by expert.
 *
 * @param x - `[T, D]` float32
 * @returns `[N, D]`; rows of expert `e` are the `counts[e]` rows after those of the experts before it
 * @throws ContractError if `x` does not hold the plan's tokens.
 * @example
 * ```ts
 * const experts = Int32Array.of(1, 0); // of two tokens, one choice each
 * const plan = planPermutation({ experts, numTokens: 2, topK: 1, numExperts: 2 });
 * const y = permuteTokens(tf.tensor2d([[1], [2]]), plan); // [[2], [1]]
 * unpermuteTokens(y, tf.ones([2, 1]), plan); // [[1], [2]]
 * ```
 */
export function permuteTokens(x: Tensor, plan: Permutation): Tensor {
  requireRows("permuteTokens: x", x, plan.numTokens);
  return movedRows(
    x,
    (t) => takeRows(t, plan.tokens),
    (dy) => addRows(dy, plan.tokens, plan.numTokens),
  ); // [T, D] -> [N, D]
}

/**
 * The weighted sum of each token's rows; 0 for a token whose choices are all dropped. It adds in the order of the rows,
 * that is of the experts.
 *
 * @param y - `[N, D]` float32, in the order that `permuteTokens` gives
 * @param weights - `[T, K]` float32; those of dropped choices have no effect, and gradient 0
 * @returns `[T, D]`
 * @throws ContractError if a shape is not the plan's.
 */
export function unpermuteTokens(y: Tensor, weights: Tensor, plan: Permutation): Tensor {
  const { numTokens, topK, tokens, pairs } = plan;
  requireRows("unpermuteTokens: y", y, tokens.length);
  if (weights.shape.join() !== [numTokens, topK].join()) {
    throw new ContractError(
      `unpermuteTokens: weights (shape [${weights.shape.join(", ")}]) must have shape [${numTokens}, ${topK}], tokens and choices of the plan; use the router's weights of the same tokens.`,
    );
  }
  const numPairs = numTokens * topK;
  const ofRows = (w: Tensor): Tensor => takeRows(reshape(w, [numPairs, 1]), pairs); // [T, K] -> [N, 1]
  return customGrad((...inputs) => {
    const [rows, w, save] = inputs as [Tensor, Tensor, GradSaveFunc];
    save([rows, w]);
    return {
      value: addRows(mul(rows, ofRows(w)), tokens, numTokens),
      gradFunc: (dz: Tensor, saved: Tensor[]) => {
        const [savedRows, savedWeights] = saved as [Tensor, Tensor];
        const dRows = takeRows(dz, tokens); // [T, D] -> [N, D]
        const dWeights = addRows(sum(mul(dRows, savedRows), 1, true), pairs, numPairs); // [N, 1] -> [T K, 1]
        return [mul(dRows, ofRows(savedWeights)), reshape(dWeights, [numTokens, topK])];
      },
    };
  })(y, weights);
}

/**
 * Sorted rows in the form in which every expert has `capacity` rows; the rows that it does not need are 0.
 *
 * @param rows - `[N, D]`
 * @returns `[E, C, D]`
 */
export function padToCapacity(rows: Tensor, counts: Int32Array, capacity: number): Tensor {
  const at = paddedRows(counts, capacity);
  requireRows("padToCapacity: rows", rows, at.length);
  const padded = movedRows(
    rows,
    (t) => addRows(t, at, counts.length * capacity),
    (dy) => takeRows(dy, at),
  );
  return reshape(padded, [counts.length, capacity, rows.shape[1]!]); // [N, D] -> [E, C, D]
}

/** The inverse of `padToCapacity`: `[E, C, D]` to `[N, D]`. The padding has gradient 0. */
export function unpadFromCapacity(padded: Tensor, counts: Int32Array): Tensor {
  const [numExperts, capacity, features] = padded.shape as [number, number, number];
  if (padded.rank !== 3 || numExperts !== counts.length) {
    throw new ContractError(
      `unpadFromCapacity: padded (shape [${padded.shape.join(", ")}]) must have shape [${counts.length}, C, D]; use what padToCapacity made of the same counts.`,
    );
  }
  const at = paddedRows(counts, capacity);
  const numRows = numExperts * capacity;
  const rows = reshape(padded, [numRows, features]);
  return movedRows(
    rows,
    (t) => takeRows(t, at),
    (dy) => addRows(dy, at, numRows),
  );
}

/** Rows in another order: `y[i] = x[order[i]]`, with `order` a permutation. */
export function reorderRows(x: Tensor, { order }: Pick<RowOrder, "order">): Tensor {
  requireRows("reorderRows: x", x, order.length);
  return movedRows(
    x,
    (t) => takeRows(t, order),
    (dy) => addRows(dy, order, order.length),
  );
}

/** The inverse of `reorderRows`: `y[order[i]] = x[i]`. */
export function restoreRows(x: Tensor, { order }: Pick<RowOrder, "order">): Tensor {
  requireRows("restoreRows: x", x, order.length);
  return movedRows(
    x,
    (t) => addRows(t, order, order.length),
    (dy) => takeRows(dy, order),
  );
}

/** A linear step and its adjoint, as one node of the gradient tape. */
function movedRows(x: Tensor, forward: (x: Tensor) => Tensor, adjoint: (dy: Tensor) => Tensor): Tensor {
  return customGrad((t) => ({ value: forward(t as Tensor), gradFunc: (dy: Tensor) => adjoint(dy) }))(x);
}

function requireRows(what: string, x: Tensor, numRows: number): void {
  if (x.rank === 2 && x.shape[0] === numRows && x.dtype === "float32") return;
  throw new ContractError(
    `${what} (${x.dtype}[${x.shape.join(", ")}]) must be float32 of shape [${numRows}, D], the rows of the plan; use tf.reshape to fold leading dims, and a plan of the same tokens.`,
  );
}
