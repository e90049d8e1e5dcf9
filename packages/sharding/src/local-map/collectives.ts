/**
 * Collectives of local tensors, for use inside `localMap`.
 *
 * Legend: p = ranks on the axis, r = this rank's position, S = bytes of the whole (gathered or reduced) tensor,
 * n = its size along the dim that is cut.
 *
 * | call                 | local tensors                           | bytes sent per rank | gradient               |
 * | -------------------- | --------------------------------------- | ------------------- | ---------------------- |
 * | `localAllReduce`     | `[...] -> [...]`                      | 2S(p-1)/p           | `localAllReduce`       |
 * | `localAllGather`     | `[n/p, ...] -> [n, ...]`              | S(p-1)/p            | `localReduceScatter`   |
 * | `localReduceScatter` | `[n, ...] -> [n/p, ...]`              | S(p-1)/p            | `localAllGather`       |
 * | `localAllToAll`      | `[n, m/p, ...] -> [n/p, m, ...]`      | S(p-1)/p^2          | `localAllToAll` back   |
 * | `localShift`         | `[...] -> [...]` of rank `r - by`     | S                   | `localShift` by `-by`  |
 *
 * Uneven pieces of rows are exchanged by `localExchangeRows`, in a file of its own.
 *
 * Each gradient is the exact adjoint: what a rank's result contributed to the losses of all ranks comes back to the rank
 * that it came from. Dims are cut in chunks of `ceil(n / p)`, as `Shard` does.
 *
 * All ranks along the axis make the same calls in the same order, forward and backward. tfjs differentiates only what
 * the value depends on, so a result that is used on one rank must be used on all of them.
 *
 * @packageDocumentation
 */
import { ContractError } from "@meshwright/core";
import { engine as tfEngine, type Tensor } from "@tensorflow/tfjs";
import { shardedBackend } from "../backend/current.ts";
import { chunk } from "../layout.ts";
import { axisIndex } from "../mesh.ts";
import type { PartialOp } from "../placement.ts";
import { requireLocal } from "./local-mesh.ts";

/** Names of the kernels. */
export const LOCAL_ALL_REDUCE = "LocalAllReduce";
export const LOCAL_ALL_GATHER = "LocalAllGather";
export const LOCAL_REDUCE_SCATTER = "LocalReduceScatter";
export const LOCAL_ALL_TO_ALL = "LocalAllToAll";
export const LOCAL_SHIFT = "LocalShift";

/* eslint-disable @typescript-eslint/consistent-type-definitions -- an interface does not fit NamedAttrMap */
/** Attributes of `LocalAllReduce`. */
export type AllReduceAttrs = { axis: string; op: PartialOp };
/** Attributes of `LocalAllGather`: the dim, and its whole size. */
export type AllGatherAttrs = { axis: string; dim: number; size: number };
/** Attributes of `LocalReduceScatter`: the dim, and its whole size. */
export type ReduceScatterAttrs = { axis: string; dim: number; size: number };
/** Attributes of `LocalAllToAll`: the dim that is cut, the one that is joined, and their whole sizes. */
export type AllToAllAttrs = {
  axis: string;
  splitDim: number;
  splitSize: number;
  concatDim: number;
  concatSize: number;
};
/** Attributes of `LocalShift`. */
export type ShiftAttrs = { axis: string; by: number };
/* eslint-enable @typescript-eslint/consistent-type-definitions */

/**
 * The sum (maximum, minimum) of the ranks' tensors, on every rank. Only the sum has a gradient: the sum of the ranks'.
 *
 * To end local code with a sum, return the summand with `out: { [axis]: Partial("sum") }` instead: its backward pass
 * costs nothing.
 *
 * @throws ContractError if `x` is no local tensor or `axis` is no axis of the mesh.
 */
export function localAllReduce(x: Tensor, axis: string, options: { readonly op?: PartialOp } = {}): Tensor {
  const where = "localAllReduce";
  positionOn(where, x, axis);
  const attrs: AllReduceAttrs = { axis, op: options.op ?? "sum" };
  return tfEngine().runKernel<Tensor>(LOCAL_ALL_REDUCE, { x }, attrs);
}

/**
 * The ranks' tensors joined along `dim`, on every rank.
 *
 * @param options - `size`: the whole size of the dim, where it does not divide by p; default: p times the local one
 * @throws ContractError if the local size is not the rank's chunk of `size`.
 */
export function localAllGather(
  x: Tensor,
  axis: string,
  options: { readonly dim: number; readonly size?: number },
): Tensor {
  const where = "localAllGather";
  const position = positionOn(where, x, axis);
  const dim = dimOf(where, "dim", x, options.dim);
  const size = wholeSize(where, x, { dim, position, size: options.size });
  const attrs: AllGatherAttrs = { axis, dim, size };
  return tfEngine().runKernel<Tensor>(LOCAL_ALL_GATHER, { x }, attrs);
}

/** The sum of the ranks' tensors, of which each rank gets its chunk along `dim`. */
export function localReduceScatter(x: Tensor, axis: string, options: { readonly dim: number }): Tensor {
  const where = "localReduceScatter";
  positionOn(where, x, axis);
  const dim = dimOf(where, "dim", x, options.dim);
  const attrs: ReduceScatterAttrs = { axis, dim, size: x.shape[dim]! };
  return tfEngine().runKernel<Tensor>(LOCAL_REDUCE_SCATTER, { x }, attrs);
}

/**
 * Cuts `splitDim` into one chunk per rank, sends each to its rank, and joins what arrives along `concatDim`: a transpose
 * of who holds what.
 *
 * @param options - `size`: the whole size of `concatDim`, where it does not divide by p
 * @throws ContractError if the two dims are the same, or the local size is not the rank's chunk of `size`.
 */
export function localAllToAll(
  x: Tensor,
  axis: string,
  options: { readonly splitDim: number; readonly concatDim: number; readonly size?: number },
): Tensor {
  const where = "localAllToAll";
  const position = positionOn(where, x, axis);
  const splitDim = dimOf(where, "splitDim", x, options.splitDim);
  const concatDim = dimOf(where, "concatDim", x, options.concatDim);
  if (splitDim === concatDim) {
    throw new ContractError(
      `${where}: splitDim (${splitDim}) must be another dim than concatDim (${concatDim}); use tf.reshape to make two dims of one.`,
    );
  }
  const concatSize = wholeSize(where, x, { dim: concatDim, position, size: options.size });
  const attrs: AllToAllAttrs = { axis, splitDim, splitSize: x.shape[splitDim]!, concatDim, concatSize };
  return tfEngine().runKernel<Tensor>(LOCAL_ALL_TO_ALL, { x }, attrs);
}

/**
 * A step around the ring: each rank sends its tensor to the rank `by` positions on, and gets that of the rank `by`
 * positions back. The ranks' tensors have equal shapes.
 *
 * @param options - `by`: default 1
 */
export function localShift(x: Tensor, axis: string, options: { readonly by?: number } = {}): Tensor {
  const where = "localShift";
  const { by = 1 } = options;
  positionOn(where, x, axis);
  if (!Number.isInteger(by)) {
    throw new ContractError(`${where}: by (${by}) must be an integer; use 1 for the next rank.`);
  }
  const attrs: ShiftAttrs = { axis, by };
  return tfEngine().runKernel<Tensor>(LOCAL_SHIFT, { x }, attrs);
}

/** This rank's position on an axis. */
interface Position {
  readonly rank: number;
  readonly size: number;
}

function positionOn(where: string, x: Tensor, axis: string): Position {
  const { outer } = requireLocal(where, x, shardedBackend(where));
  const index = axisIndex(outer, axis, where);
  return { rank: outer.coordinate[index]!, size: outer.shape[index]! };
}

function dimOf(where: string, what: string, x: Tensor, dim: number): number {
  const resolved = dim < 0 ? dim + x.rank : dim;
  if (Number.isInteger(dim) && resolved >= 0 && resolved < x.rank) return resolved;
  throw new ContractError(
    `${where}: ${what} (${dim}) must be a dim of the local tensor of shape [${x.shape.join(", ")}]; use a dim from ${-x.rank} to ${x.rank - 1}.`,
  );
}

function wholeSize(
  where: string,
  x: Tensor,
  {
    dim,
    position,
    size,
  }: { readonly dim: number; readonly position: Position; readonly size: number | undefined },
): number {
  const local = x.shape[dim]!;
  if (size === undefined) return local * position.size;
  const expected = chunk(size, position.size, position.rank).size;
  if (local === expected) return size;
  throw new ContractError(
    `${where}: dim ${dim} (${local}) must be ${expected}, the chunk that position ${position.rank} of ${position.size} holds of ${size}; use size for the whole dim and chunks of ceil(size / ranks).`,
  );
}
