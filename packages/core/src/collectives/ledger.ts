/**
 * The ledger: what was communicated, over which group, how often, and how many bytes.
 *
 * @packageDocumentation
 */

/** The calls that the ledger records. Positions in this list travel between ranks. */
export const collectiveNames = [
  "allReduce",
  "allGather",
  "reduceScatter",
  "allToAll",
  "broadcast",
  "send",
  "receive",
  "barrier",
] as const;

/** Name of a call that the ledger records. */
export type CollectiveName = (typeof collectiveNames)[number];

/** One call, as the ledger saw it. */
export interface LedgerEntry {
  /** Group name: the mesh axis, or `"world"`. */
  readonly group: string;
  readonly collective: CollectiveName;
  /** Bytes that left this rank by the cost formulas of `ProcessGroup`. */
  readonly bytesSent: number;
  /** Bytes of the array that the call worked on (S in the formulas). */
  readonly bytesTotal: number;
  readonly label: string;
}

/** Sums over calls with the same group and collective. */
export interface LedgerTotal {
  readonly group: string;
  readonly collective: CollectiveName;
  readonly calls: number;
  readonly bytesSent: number;
}

/** Records calls on one rank. Totals are kept always; single entries only between `record` calls. */
export interface Ledger {
  /** Totals since the start or the last `reset`. */
  totals(): readonly LedgerTotal[];
  reset(): void;
  /** Runs `body` and returns the calls made meanwhile, in order, beside its result. Nests. */
  record<R>(body: () => R): { readonly result: R; readonly entries: readonly LedgerEntry[] };
  /** For process groups: enters one call. */
  enter(entry: LedgerEntry): void;
}
