/**
 * What a transport must do: move bytes between the ranks of a group, compare what the ranks call, and nothing else.
 *
 * Argument checks, the ledger and the words for a call live above it, in `collectives/`, and are the same for
 * every transport. All calls block until this rank's part is done.
 *
 * Legend: n = ranks in the group, "rank" = position in the group (not in the world).
 *
 * @packageDocumentation
 */
import type { CollectiveName } from "../collectives/ledger.ts";

/** The arrays that collectives move. `Uint8Array` holds `bool`. */
export type NumericArray = Float32Array | Int32Array | Uint8Array;

/**
 * `avg` is the exact sum divided by the number of ranks (integers round toward zero). Integer sums wrap around. On bool
 * `max` is "or" and `min` is "and".
 */
export type ReduceOp = "sum" | "max" | "min" | "avg";

/** One call, as the members of a group compare it and as messages name it. */
export interface Call {
  /** Name of the group. */
  readonly group: string;
  readonly collective: CollectiveName;
  /** What the call is for; `""` if the program did not say. */
  readonly label: string;
  /** Number of this collective in its group, from 1. Point-to-point calls have 0. */
  readonly sequence: number;
  /** Collective, dtype, op and root in one number. Equal on all members. */
  readonly signature: number;
  /** Elements of the whole array; 0 where ranks may differ. Equal on all members. */
  readonly length: number;
  /** Hash of the piece counts; 0 where ranks may differ. Equal on all members. */
  readonly countsHash: number;
  /** Publish `describe()` with the call instead of only when something is wrong: checked mode. */
  readonly describeEarly: boolean;
  /**
   * The call in words with its call site, for example `allReduce(sum, float32[4]) at train.ts:12`. Called inside the
   * call, and only when something is wrong, so it may be slow.
   */
  describe(): string;
}

/** Data movement inside one group. Arguments were already checked. */
export interface Communicator {
  /** This rank's position in the group. */
  readonly rank: number;
  /** Ranks in the group. */
  readonly size: number;

  /**
   * Says what the next call is; every call below is preceded by one `begin`. The call then compares it across the
   * members before it delivers data: with its first signal (threads) or by a small all-reduce (MPI).
   */
  begin(call: Call): void;
  /**
   * Element `i` of `receive` becomes the reduction over ranks in rank order 0..n-1, the same bits on every rank.
   * `receive` is `send` itself (in place) or apart from it.
   */
  allReduce(send: NumericArray, receive: NumericArray, op: ReduceOp): void;
  /** `receive` is the concatenation of every rank's `send`; `counts[r]` elements come from rank `r`. */
  allGather(send: NumericArray, receive: NumericArray, counts: readonly number[]): void;
  /** `send` is n consecutive pieces of `counts[r]` elements; rank `r` receives the reduction of piece `r`. */
  reduceScatter(send: NumericArray, receive: NumericArray, counts: readonly number[], op: ReduceOp): void;
  /** `send` holds `sendCounts[r]` elements for rank `r`; `receive` gets `receiveCounts[r]` elements from rank `r`. */
  allToAll(
    send: NumericArray,
    sendCounts: readonly number[],
    receive: NumericArray,
    receiveCounts: readonly number[],
  ): void;
  /** Every rank's `buffer` becomes the root's. */
  broadcast(buffer: NumericArray, root: number): void;
  /** Buffered: returns once the message is copied out, blocks only while the pair's mailbox is full. */
  send(buffer: NumericArray, to: number, tag: number): void;
  /** Messages of one (from, tag) arrive in the order sent. */
  receive(buffer: NumericArray, from: number, tag: number): void;
  /** Returns once every rank of the group has called it. */
  barrier(): void;
}

/** Settings of one group. */
export interface OpenOptions {
  /** Name of the group, the same on every member. */
  readonly name: string;
  /** How long a rank waits for another one before it throws. */
  readonly timeoutMs: number;
}

/** One rank's end of a transport. */
export interface Transport {
  readonly kind: "threads" | "mpi";
  /** This rank's number in the world. */
  readonly rank: number;
  /** Ranks in the world. */
  readonly size: number;
  /** Name of the host that each rank is on. */
  readonly hosts: readonly string[];
  /**
   * Every member calls it with the same ascending world ranks, and in the same order where it opens the same ranks
   * several times; no other rank takes part.
   */
  open(ranks: readonly number[], options: OpenOptions): Communicator;
  /**
   * This rank's program has ended and makes no more calls. Whoever still waits for it gets an error that says so.
   */
  finish(): void;
}
