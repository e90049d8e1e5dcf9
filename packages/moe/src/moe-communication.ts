/**
 * What a layer of experts sends over its expert axis, predicted.
 *
 * Legend: e = ranks on the expert axis, E = experts, K = choices per token, D = features, T = tokens of these ranks
 * together, `n_ab` = rows that rank a has for experts of rank b (kept choices).
 *
 * | dispatcher   | call of rank a                          | bytes sent                    |
 * | ------------ | --------------------------------------- | ----------------------------- |
 * | all-to-all   | forward: all-to-all of counts           | `4 (E / e + 2) (e - 1)`       |
 * |              | forward: all-to-all, dispatch           | `4 D sum_{b != a} n_ab`       |
 * |              | forward: all-to-all, combine            | `4 D sum_{b != a} n_ba`       |
 * |              | backward: the two of the rows           | the same, swapped             |
 * | all-gather   | forward: all-gathers of experts, tokens, weights | `4 (T / e) (e - 1)` times K, D, K |
 * |              | forward: reduce-scatter of outputs      | `4 (T / e) (e - 1) D`         |
 * |              | backward: all-gather of the gradient of the outputs, reduce-scatters of those of weights and tokens | the same |
 *
 * @packageDocumentation
 */
import { ContractError, type CollectiveName } from "@meshwright/core";
import { expertsPerRank } from "./capacity.ts";
import { exchangeBytes } from "./dispatch-all-to-all.ts";

/** Sizes, and how the choices fell. */
export interface MoECommunicationOptions {
  readonly dispatcher?: "all-to-all" | "all-gather";
  /** D. */
  readonly features: number;
  /** K, or E where the experts choose. Read by `"all-gather"`. */
  readonly topK: number;
  /** `rows[a][i]`: kept choices of rank `a` of the expert axis that fall on expert `i`; see `evenRows` for a forecast. */
  readonly rows: readonly ArrayLike<number>[];
  /** T: tokens of all ranks of the expert axis, a multiple of them. Read by `"all-gather"`. */
  readonly tokens: number;
  /** The rank of the expert axis whose calls are predicted. */
  readonly rank: number;
}

/** One collective that a rank makes. */
export interface PredictedCall {
  readonly collective: CollectiveName;
  /** As in the ledger; empty where it has none. */
  readonly label: string;
  readonly bytesSent: number;
}

/** Calls in the order in which they are made. */
export interface MoECommunication {
  readonly forward: readonly PredictedCall[];
  readonly backward: readonly PredictedCall[];
}

/**
 * The collectives over the expert axis of one forward and one backward pass of a `MoELayer`; nothing where that axis has one
 * rank. What capacity, load and losses send is said where they are.
 *
 * @example
 * ```ts
 * const rows = evenRows({ tokens: 8, topK: 2, numExperts: 4, ranks: 2 });
 * moeCommunication({ features: 16, topK: 2, tokens: 8, rows, rank: 0 }).forward.map(({ bytesSent }) => bytesSent);
 * // [16, 256, 256]: counts; 4 of its 8 rows go to the other rank, and back
 * ```
 * @throws ContractError if the ranks do not divide the experts, rows are not one count per expert, or with `"all-gather"`
 * the tokens are no multiple of the ranks.
 */
export function moeCommunication(options: MoECommunicationOptions): MoECommunication {
  const { rows, rank, dispatcher = "all-to-all" } = options;
  check(options);
  if (rows.length === 1) return { forward: [], backward: [] };
  return dispatcher === "all-to-all" ? exchanged(options, rank) : gathered(options);
}

/**
 * Rows under a perfectly even load, for `moeCommunication`: every rank has `tokens topK / (ranks numExperts)` for each expert.
 */
export function evenRows({
  tokens,
  topK,
  numExperts,
  ranks,
}: {
  readonly tokens: number;
  readonly topK: number;
  readonly numExperts: number;
  readonly ranks: number;
}): number[][] {
  const count = (tokens * topK) / (ranks * numExperts);
  return Array.from({ length: ranks }, () => new Array<number>(numExperts).fill(count));
}

function exchanged({ features, rows }: MoECommunicationOptions, rank: number): MoECommunication {
  const ranks = rows.length;
  const numExperts = rows[0]!.length;
  const perRank = expertsPerRank(numExperts, ranks);
  const rowsFor = (from: number, to: number): number =>
    Array.from(rows[from]!)
      .slice(to * perRank, (to + 1) * perRank)
      .reduce((sum, count) => sum + count, 0);
  const all = Array.from({ length: ranks }, (_, i) => i);
  const bytes = (counts: readonly number[]): number => exchangeBytes(counts, { rank, features });
  const there = bytes(all.map((to) => rowsFor(rank, to)));
  const back = bytes(all.map((from) => rowsFor(from, rank)));
  const call = (label: string, bytesSent: number): PredictedCall => ({
    collective: "allToAll",
    ...{ label, bytesSent },
  });
  return {
    forward: [
      call("expert counts", Int32Array.BYTES_PER_ELEMENT * (perRank + 2) * (ranks - 1)),
      call("dispatch", there),
      call("combine", back),
    ],
    backward: [call("combine, backward", there), call("dispatch, backward", back)],
  };
}

function gathered({ features, topK, rows, tokens }: MoECommunicationOptions): MoECommunication {
  const ranks = rows.length;
  const call = (collective: CollectiveName, columns: number): PredictedCall => ({
    ...{ collective, label: "" },
    bytesSent: Float32Array.BYTES_PER_ELEMENT * (tokens / ranks) * (ranks - 1) * columns,
  });
  return {
    forward: [
      call("allGather", topK),
      call("allGather", features),
      call("allGather", topK),
      call("reduceScatter", features),
    ],
    backward: [call("allGather", features), call("reduceScatter", topK), call("reduceScatter", features)],
  };
}

function check({ rows, rank, tokens, dispatcher }: MoECommunicationOptions): void {
  const where = "moeCommunication";
  const numExperts = rows[0]?.length ?? 0;
  const uneven = rows.findIndex((counts) => counts.length !== numExperts);
  if (rows.length === 0 || uneven >= 0) {
    throw new ContractError(
      `${where}: rows[${Math.max(uneven, 0)}] (length ${rows[uneven]?.length ?? 0}) must hold one count per expert (${numExperts}) for each rank; use evenRows, or the counts of planPermutation on each rank.`,
    );
  }
  expertsPerRank(numExperts, rows.length);
  if (!Number.isInteger(rank) || rank < 0 || rank >= rows.length) {
    throw new ContractError(
      `${where}: rank (${rank}) must be a position on the expert axis, from 0 to ${rows.length - 1}.`,
    );
  }
  if (dispatcher === "all-gather" && tokens % rows.length !== 0) {
    throw new ContractError(
      `${where}: tokens (${tokens}) must be a multiple of the ranks (${rows.length}) with dispatcher "all-gather"; use ${Math.ceil(tokens / rows.length) * rows.length}.`,
    );
  }
}
