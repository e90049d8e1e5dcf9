/**
 * What it costs to change a tensor's placement along one mesh axis.
 *
 * Legend: N = ranks on the axis, S = bytes of the tensor whole along the axis.
 *
 * | from          | to            | how            | bytes sent per rank |
 * | ------------- | ------------- | -------------- | ------------------- |
 * | `Shard`       | `Replicate`   | all-gather     | S(N-1)/N            |
 * | `Partial`     | `Replicate`   | all-reduce     | 2S(N-1)/N           |
 * | `Partial`     | `Shard`       | reduce-scatter | S(N-1)/N            |
 * | `Shard(a)`    | `Shard(b)`    | all-to-all     | S(N-1)/N^2          |
 * | `Replicate`   | `Shard`       | local slice    | 0                   |
 * | `Replicate`   | `Partial`     | local zeros    | 0                   |
 *
 * @packageDocumentation
 */
import { latencyBytes } from "../mesh-costs.ts";
import type { Placement } from "../placement.ts";

/** Bytes that each rank sends to move from one placement to another along an axis of `numRanks`. */
export function moveBytes(from: Placement, to: Placement, bytes: number, numRanks: number): number {
  const share = (bytes * (numRanks - 1)) / numRanks;
  if (from.kind === "partial") {
    if (to.kind === "replicate") return 2 * share;
    if (to.kind === "shard") return share;
    return from.op === to.op ? 0 : 2 * share;
  }
  if (from.kind === "shard") {
    if (to.kind === "shard") return from.dim === to.dim ? 0 : share / numRanks;
    return share;
  }
  return 0;
}

/** A collective costs as much as sending this many bytes more, on a mesh whose costs are not known. */
const LATENCY_BYTES = latencyBytes({ axisNames: [""] }, 0);

/** Slicing copies locally; it must only lose against doing nothing. */
const SLICE_COST = 1;

/**
 * Cost by which the planner chooses for the moves that nobody asked for. It differs from `moveBytes` in two points:
 *
 * - Nothing is made `Partial` on its own account: that would only put the reduction off, to a place that nobody chose.
 * - `Partial -> Shard` counts like `Partial -> Replicate`: the halved price of a reduce-scatter is paid again when the
 *   result is gathered. Sequence parallelism asks for it explicitly.
 *
 * `latency` is what a collective along the axis could send in the time that it takes without sending
 * (`latencyBytes(mesh, axis)`).
 */
export function implicitMoveCost(
  from: Placement,
  to: Placement,
  bytes: number,
  { numRanks, latency = LATENCY_BYTES }: { readonly numRanks: number; readonly latency?: number },
): number {
  if (numRanks === 1) return 0;
  if (to.kind === "partial") return Infinity;
  if (from.kind === "replicate") return to.kind === "replicate" ? 0 : SLICE_COST;
  const sent =
    from.kind === "partial"
      ? moveBytes(from, { kind: "replicate" }, bytes, numRanks)
      : moveBytes(from, to, bytes, numRanks);
  return sent + latency;
}
