/**
 * What a transport must do: move bytes between the ranks of a group, and nothing else.
 *
 * Checks, the ledger, the watchdog's report and error texts live above it, in `collectives/`, and are the same for
 * every transport. All calls block until this rank's part is done.
 *
 * Legend: n = ranks in the group, "rank" = position in the group (not in the world).
 *
 * @packageDocumentation
 */

/** The arrays that collectives move. `Uint8Array` holds `bool`. */
export type NumericArray = Float32Array | Int32Array | Uint8Array;

/** `avg` is the sum divided by the number of ranks (integers round toward zero). */
export type ReduceOp = "sum" | "max" | "min" | "avg";

/** Data movement inside one group. Arguments were already checked. */
export interface Communicator {
  /** This rank's position in the group. */
  readonly rank: number;
  /** Ranks in the group. */
  readonly size: number;

  /** In place; element `i` becomes the reduction over ranks in rank order 0..n-1, the same bits on every rank. */
  allReduce(buffer: NumericArray, op: ReduceOp): void;
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

/** One rank's end of a transport. */
export interface Transport {
  readonly kind: "threads" | "mpi";
  /** This rank's number in the world. */
  readonly rank: number;
  /** Ranks in the world. */
  readonly size: number;
  /** Every member calls it with the same ascending world ranks; no other rank takes part. */
  open(ranks: readonly number[]): Communicator;
}
