/**
 * Exchange of uneven pieces of rows between ranks, inside local code.
 *
 * Legend: p = ranks of the group, E = experts, n = rows held, m = rows received, D = features.
 *
 * ```text
 *   rank 0 sends   [ to 0 | to 1 | to 2 ]          rank 0 receives   [ from 0 | from 1 | from 2 ]
 *   rank 1 sends   [ to 0 | to 1 | to 2 ]    ->    rank 1 receives   [ from 0 | from 1 | from 2 ]
 *   rank 2 sends   [ to 0 | to 1 | to 2 ]          rank 2 receives   [ from 0 | from 1 | from 2 ]
 * ```
 *
 * | call             | bytes sent per rank                    | gradient                        |
 * | ---------------- | -------------------------------------- | ------------------------------- |
 * | `exchangeCounts` | `4 E (p - 1) / p`                      | none                            |
 * | `exchangeRows`   | `4 D` times the rows for other ranks   | `exchangeRows`, counts swapped  |
 *
 * Every rank makes the same calls in the same order, forward and backward, also where it has no rows.
 *
 * @packageDocumentation
 */
import type { ProcessGroup } from "@meshwright/core";
import { localExchangeRows } from "@meshwright/sharding";
import type { Tensor } from "@tensorflow/tfjs";
import { expertsPerRank } from "./capacity.ts";

/** Rows per rank of a group. */
export interface RowCounts {
  /** Rows for each rank, `[p]`. */
  readonly sendCounts: readonly number[];
  /** Rows from each rank, `[p]`. */
  readonly receiveCounts: readonly number[];
}

/** What a rank learns from the exchange of counts. */
export interface DispatchCounts extends RowCounts {
  /** `received[r * (E / p) + e]`: rows that rank `r` sends for local expert `e`. */
  readonly received: Int32Array;
}

/**
 * Tells each rank how many rows it will get for each of its experts: one all-to-all of `E` integers.
 *
 * @param counts - rows of this rank for each of the `E` experts; rank `r` holds experts `r E / p` to `(r + 1) E / p - 1`
 * @throws ContractError if the ranks do not divide the experts.
 */
export function exchangeCounts(counts: Int32Array, group: ProcessGroup): DispatchCounts {
  const perRank = expertsPerRank(counts.length, group.size);
  const received = group.allToAll(counts, { label: "expert counts" });
  return { received, sendCounts: sumsOf(counts, perRank), receiveCounts: sumsOf(received, perRank) };
}

/**
 * Sends the first `sendCounts[0]` rows to rank 0, the next to rank 1, and so on; what arrives is joined in the order of
 * the ranks. Backward: the same exchange the other way, so a rank's rows get the gradients of where they went.
 *
 * @param x - `[n, D]` float32, local to the rank
 * @param options - `group`: along one axis of the mesh; `label`: what the ledger and errors call it, default
 * `"exchangeRows"`
 * @returns `[m, D]`; the caller's scope owns it
 * @example
 * ```ts
 * const { sendCounts, receiveCounts } = exchangeCounts(plan.counts, mesh.group("ep"));
 * const arrived = exchangeRows(permuteTokens(x, plan), { sendCounts, receiveCounts, group: mesh.group("ep") });
 * ```
 * @throws ContractError if the counts are not one per rank, or do not add up to the rows of `x`.
 * @see Lepikhin et al. 2020, "GShard", section 3.2, https://arxiv.org/abs/2006.16668
 */
export function exchangeRows(
  x: Tensor,
  options: RowCounts & { readonly group: Pick<ProcessGroup, "name">; readonly label?: string },
): Tensor {
  const { sendCounts, receiveCounts, group, label = "exchangeRows" } = options;
  return localExchangeRows(x, group.name, { sendCounts, receiveCounts, label }); // [n, D] -> [m, D]
}

/** Bytes that `exchangeRows` makes the rank at position `rank` send, forward. Backward: those of the counts swapped. */
export function exchangeBytes(
  sendCounts: readonly number[],
  { rank, features }: { readonly rank: number; readonly features: number },
): number {
  const rows = sendCounts.reduce((sum, count, to) => sum + (to === rank ? 0 : count), 0);
  return Float32Array.BYTES_PER_ELEMENT * features * rows;
}

function sumsOf(values: Int32Array, perRank: number): number[] {
  return Array.from({ length: values.length / perRank }, (_, rank) =>
    sumOf(values.subarray(rank * perRank, (rank + 1) * perRank)),
  );
}

function sumOf(values: Iterable<number>): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
}
