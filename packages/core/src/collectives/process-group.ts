/**
 * The collectives of a group of ranks, as a program uses them.
 *
 * Legend: n = ranks in the group, S = bytes of the whole (gathered or reduced) array.
 *
 * @packageDocumentation
 */
import type { NumericArray, ReduceOp } from "../transport/transport.ts";

/** Options that every collective takes. */
export interface CollectiveOptions {
  /**
   * What the call is for, shown by the ledger, the mismatch error and the watchdog; for example `"redistribute w"`.
   * The same on every rank: checked mode compares it.
   */
  readonly label?: string;
}

/**
 * A group of ranks that communicate. All members must make the same calls in the same order; a member that does not is
 * an error on every rank that shows both calls with their call sites.
 *
 * "Bytes sent" is what the ledger counts. Where pieces are uneven it is what really leaves this rank: its own piece n-1
 * times for all-gather, everything but its own piece for reduce-scatter and all-to-all. A group of one rank moves nothing
 * and is not in the ledger. Arguments that break a rule throw `ContractError` before anything is communicated.
 */
export interface ProcessGroup {
  /** The mesh axis that the group runs along, or a name given by the program; `"world"` for all ranks. */
  readonly name: string;
  /** World ranks of the members, ascending. */
  readonly ranks: readonly number[];
  /** This rank's position in `ranks`. */
  readonly rank: number;
  /** Number of members. */
  readonly size: number;

  /**
   * Reduces `buffer` in place and returns it; or leaves it as it is and fills `into`, without a copy in between. Bytes
   * sent per rank: 2S(n-1)/n.
   */
  allReduce<T extends NumericArray>(
    buffer: T,
    options?: CollectiveOptions & { readonly op?: ReduceOp; readonly into?: T },
  ): T;
  /**
   * Concatenates every rank's `send` in rank order. Bytes sent per rank: S(n-1)/n.
   * `counts[r]` is the length that rank `r` sends (default: all equal). `into` receives the result instead of a new array.
   */
  allGather<T extends NumericArray>(
    send: T,
    options?: CollectiveOptions & { readonly counts?: readonly number[]; readonly into?: T },
  ): T;
  /** Reduces, then leaves piece `r` (of `counts[r]` elements; default: n equal pieces) on rank `r`. Bytes: S(n-1)/n. */
  reduceScatter<T extends NumericArray>(
    send: T,
    options?: CollectiveOptions & {
      readonly op?: ReduceOp;
      readonly counts?: readonly number[];
      readonly into?: T;
    },
  ): T;
  /** Sends piece `r` of `send` to rank `r`. Default: n equal pieces. Bytes sent: what leaves this rank. */
  allToAll<T extends NumericArray>(
    send: T,
    options?: CollectiveOptions & {
      readonly sendCounts?: readonly number[];
      readonly receiveCounts?: readonly number[];
      readonly into?: T;
    },
  ): T;
  /**
   * Overwrites `buffer` with the root's, in place, and returns it. `root` is a position in the group (default 0).
   * Bytes sent: S(n-1) by the root, nothing by the others.
   */
  broadcast<T extends NumericArray>(buffer: T, options?: CollectiveOptions & { readonly root?: number }): T;
  /** Sends a message to position `to`. Buffered. */
  send(buffer: NumericArray, to: number, options?: CollectiveOptions & { readonly tag?: number }): void;
  /** Fills `buffer` with the next message from position `from` with this tag, and returns it. */
  receive<T extends NumericArray>(
    buffer: T,
    from: number,
    options?: CollectiveOptions & { readonly tag?: number },
  ): T;
  /** Waits for all members. */
  barrier(options?: CollectiveOptions): void;
}
