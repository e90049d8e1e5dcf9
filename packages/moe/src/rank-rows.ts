/**
 * The rows of a tensor that this rank has.
 *
 * @packageDocumentation
 */
import { ContractError, type NumericArray } from "@meshwright/core";
import { full, Replicate, shard, Shard, toLocal, type PlacementSpec } from "@meshwright/sharding";
import { getBackend, type Tensor } from "@tensorflow/tfjs";
import type { ResolvedParallel } from "./moe-layer-options.ts";

/** Rows split over the token axes, whole along all others. */
export function tokenPlacements({ mesh, tokenAxes }: ResolvedParallel): PlacementSpec {
  return Object.fromEntries(
    mesh.axisNames.map((axis) => [axis, tokenAxes.includes(axis) ? Shard(0) : Replicate()]),
  );
}

/** Rows on the host. */
export interface RankRows {
  readonly values: NumericArray;
  readonly shape: readonly number[];
  /** Index of the first row. */
  readonly first: number;
}

/** Who asks, and where the tokens are. */
export interface RowsOptions {
  readonly where: string;
  readonly parallel: ResolvedParallel | undefined;
}

/**
 * This rank's rows of `t`. Communication: what moving `t` to `at` costs.
 *
 * @param at - default: split over the token axes
 * @throws ContractError if the rows are split over a mesh that the layer does not know.
 */
export function rankRows(t: Tensor, { where, parallel }: RowsOptions, at?: PlacementSpec): RankRows {
  if (parallel === undefined) {
    if (getBackend() === "sharded" && toLocal(t).shape[0] !== t.shape[0]) {
      throw new ContractError(
        `${where}: parallel (undefined) must name the mesh that splits the tokens (${toLocal(t).shape[0]!} of ${t.shape[0]} on this rank); use parallel: { mesh, dataAxes: ["dp"] }.`,
      );
    }
    return { values: t.dataSync<"float32">(), shape: t.shape, first: 0 };
  }
  const placed = shard(t, parallel.mesh, at ?? tokenPlacements(parallel));
  const { values, shape, offset } = toLocal(placed);
  placed.dispose();
  return { values, shape, first: offset[0]! };
}

/** All values, on every rank: an all-gather where the rows are split. */
export function wholeValues(t: Tensor): NumericArray {
  if (getBackend() !== "sharded") return t.dataSync<"float32">();
  const whole = full(t);
  const values = whole.dataSync<"float32">();
  whole.dispose();
  return values;
}
