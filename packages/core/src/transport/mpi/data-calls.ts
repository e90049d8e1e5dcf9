/**
 * The collectives of one group, once all members have arrived with the same call.
 *
 * @packageDocumentation
 */
import { emptyLike } from "../../collectives/argument-checks.ts";
import type { NumericArray, ReduceOp } from "../transport.ts";
import type { MpiHandle } from "./abi.ts";
import type { Mpi } from "./mpi.ts";
import { evenCounts, offsetsOf, reduceInOrder } from "./rank-order.ts";

/** Up to this many elements every rank gathers everything and reduces it itself, which takes one call instead of two. */
const ONE_ROUND_ELEMENTS = 2_048;

/** Moves the data of one group. */
export class DataCalls {
  readonly #mpi: Mpi;
  readonly #communicator: MpiHandle;
  readonly #rank: number;
  readonly #size: number;
  /** Reduce floats in rank order on more than two ranks. On two there is only one order. */
  readonly #inRankOrder: boolean;

  constructor(
    mpi: Mpi,
    group: { readonly communicator: MpiHandle; readonly rank: number; readonly size: number },
    deterministic: boolean,
  ) {
    this.#mpi = mpi;
    this.#communicator = group.communicator;
    this.#rank = group.rank;
    this.#size = group.size;
    this.#inRankOrder = deterministic && group.size > 2;
  }

  allReduce(send: NumericArray, receive: NumericArray, op: ReduceOp): void {
    if (this.#needsOrder(send, op)) {
      this.#allReduceInOrder(send, receive, op);
      return;
    }
    const { functions, abi } = this.#mpi;
    this.#mpi.check(
      "MPI_Allreduce",
      functions.allreduce(
        send === receive ? abi.inPlace : send,
        receive,
        receive.length,
        this.#mpi.datatype(send),
        this.#mpi.operation(op),
        this.#communicator,
      ),
    );
    if (op === "avg") divide(receive, this.#size);
  }

  allGather(send: NumericArray, receive: NumericArray, counts: readonly number[]): void {
    const { functions, abi } = this.#mpi;
    const offsets = offsetsOf(counts);
    const type = this.#mpi.datatype(send);
    const ownPlace = receive.byteOffset + offsets[this.#rank]! * receive.BYTES_PER_ELEMENT;
    const inPlace = send.buffer === receive.buffer && send.byteOffset === ownPlace;
    this.#mpi.check(
      "MPI_Allgatherv",
      functions.allgatherv(
        inPlace ? abi.inPlace : send,
        send.length,
        type,
        receive,
        Int32Array.from(counts),
        offsets,
        type,
        this.#communicator,
      ),
    );
  }

  reduceScatter(send: NumericArray, receive: NumericArray, counts: readonly number[], op: ReduceOp): void {
    if (this.#needsOrder(send, op)) {
      this.#reduceScatterInOrder(send, receive, counts, op);
      return;
    }
    this.#mpi.check(
      "MPI_Reduce_scatter",
      this.#mpi.functions.reduceScatter(
        send,
        receive,
        Int32Array.from(counts),
        this.#mpi.datatype(send),
        this.#mpi.operation(op),
        this.#communicator,
      ),
    );
    if (op === "avg") divide(receive, this.#size);
  }

  allToAll(
    send: NumericArray,
    sendCounts: readonly number[],
    receive: NumericArray,
    receiveCounts: readonly number[],
  ): void {
    const type = this.#mpi.datatype(send);
    this.#mpi.check(
      "MPI_Alltoallv",
      this.#mpi.functions.alltoallv(
        send,
        Int32Array.from(sendCounts),
        offsetsOf(sendCounts),
        type,
        receive,
        Int32Array.from(receiveCounts),
        offsetsOf(receiveCounts),
        type,
        this.#communicator,
      ),
    );
  }

  broadcast(buffer: NumericArray, root: number): void {
    this.#mpi.check(
      "MPI_Bcast",
      this.#mpi.functions.bcast(buffer, buffer.length, this.#mpi.datatype(buffer), root, this.#communicator),
    );
  }

  /** The average of integers needs their exact sum, which MPI does not give. */
  #needsOrder(array: NumericArray, op: ReduceOp): boolean {
    if (array instanceof Float32Array) return this.#inRankOrder && op !== "max" && op !== "min";
    return op === "avg";
  }

  #allReduceInOrder(send: NumericArray, receive: NumericArray, op: ReduceOp): void {
    const length = send.length;
    if (length <= ONE_ROUND_ELEMENTS) {
      const all = emptyLike(send, length * this.#size);
      this.allGather(send, all, new Array<number>(this.#size).fill(length));
      reduceInOrder(all, this.#size, receive, op);
      return;
    }
    const counts = evenCounts(length, this.#size);
    const share = emptyLike(send, counts[this.#rank]!);
    this.#reduceScatterInOrder(send, share, counts, op);
    this.allGather(share, receive, counts);
  }

  #reduceScatterInOrder(
    send: NumericArray,
    receive: NumericArray,
    counts: readonly number[],
    op: ReduceOp,
  ): void {
    const length = receive.length;
    const pieces = emptyLike(send, length * this.#size);
    this.allToAll(send, counts, pieces, new Array<number>(this.#size).fill(length));
    reduceInOrder(pieces, this.#size, receive, op);
  }
}

function divide(array: NumericArray, by: number): void {
  for (let at = 0; at < array.length; at++) array[at] = array[at]! / by;
}
