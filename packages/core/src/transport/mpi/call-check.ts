/**
 * Compares what the ranks of a group call, before any data moves.
 *
 * One all-reduce of two words does it. Rank `r` adds `w_r h_r`, where `h_r` is a hash of its call and the weights sum to
 * zero: the sum is 0 if all hashes are equal, and is not (but for one case in 2^32) if any differs. The second word does
 * the same for the pieces of an all-to-all: each is added by its sender and subtracted by its receiver.
 *
 * The same all-reduce is the rendezvous of the group: when it is done, all members have arrived.
 *
 * @packageDocumentation
 */
import type { Call } from "../transport.ts";
import type { MpiHandle } from "./abi.ts";
import { gatherTexts } from "./gather-texts.ts";
import type { Mpi } from "./mpi.ts";
import type { MpiWaiter } from "./waiter.ts";

/** What the comparison found. */
export type Agreement = "same" | "different calls" | "different pieces";

/** Counts of an all-to-all on one rank. */
export interface PieceCounts {
  readonly send: readonly number[];
  readonly receive: readonly number[];
}

/** Bytes of one rank's words for a mismatch, cut off where they are longer. */
const DESCRIPTION_BYTES = 1024;

/** Compares calls in one group. */
export class CallCheck {
  readonly #mpi: Mpi;
  readonly #communicator: MpiHandle;
  readonly #waiter: MpiWaiter;
  readonly #rank: number;
  readonly #size: number;
  readonly #weight: number;
  /** Outside the JavaScript heap: the collector must not move them while MPI works on them. */
  readonly #own = new Uint32Array(new ArrayBuffer(8));
  readonly #sums = new Uint32Array(new ArrayBuffer(8));
  readonly #request: ReturnType<Mpi["handleBox"]>;
  readonly #flag = new Int32Array(1);
  readonly #isDone = (): boolean => {
    const { functions, abi } = this.#mpi;
    this.#mpi.check("MPI_Test", functions.test(this.#request.memory, this.#flag, abi.statusIgnore));
    return this.#flag[0] !== 0;
  };

  constructor(
    mpi: Mpi,
    waiter: MpiWaiter,
    group: { readonly communicator: MpiHandle; readonly rank: number; readonly size: number },
  ) {
    this.#mpi = mpi;
    this.#waiter = waiter;
    this.#communicator = group.communicator;
    this.#rank = group.rank;
    this.#size = group.size;
    this.#weight = weightOf(group.rank, group.size);
    this.#request = mpi.handleBox();
  }

  /** Waits for all members; the same answer on each of them. */
  meet(call: Call, pieces?: PieceCounts): Agreement {
    const { functions, abi } = this.#mpi;
    this.#own[0] = Math.imul(hashCall(call), this.#weight);
    this.#own[1] = pieces === undefined ? 0 : this.#hashPieces(pieces);
    this.#mpi.check(
      "MPI_Iallreduce",
      functions.iallreduce(
        this.#own,
        this.#sums,
        2,
        abi.unsigned,
        abi.sum,
        this.#communicator,
        this.#request.memory,
      ),
    );
    this.#waiter.until(this.#isDone);
    if (this.#sums[0] !== 0) return "different calls";
    return this.#sums[1] === 0 ? "same" : "different pieces";
  }

  /** Every rank's call in words. All members call it after they were found to differ. */
  gatherTexts(text: string): readonly string[] {
    const group = { communicator: this.#communicator, size: this.#size };
    return gatherTexts(this.#mpi, group, text, DESCRIPTION_BYTES);
  }

  /** Every rank's counts, `[send, receive]` by rank. All members call it. */
  gatherCounts({ send, receive }: PieceCounts): readonly PieceCounts[] {
    const { functions, abi } = this.#mpi;
    const length = 2 * this.#size;
    const own = Int32Array.from([...send, ...receive]);
    const all = new Int32Array(length * this.#size);
    this.#mpi.check(
      "MPI_Allgather",
      functions.allgather(own, length, abi.int32, all, length, abi.int32, this.#communicator),
    );
    return Array.from({ length: this.#size }, (_, rank) => {
      const counts = [...all.subarray(rank * length, (rank + 1) * length)];
      return { send: counts.slice(0, this.#size), receive: counts.slice(this.#size) };
    });
  }

  #hashPieces({ send, receive }: PieceCounts): number {
    let sum = 0;
    for (let other = 0; other < this.#size; other++) {
      sum = (sum + hashPiece(this.#rank, other, send[other]!)) | 0;
      sum = (sum - hashPiece(other, this.#rank, receive[other]!)) | 0;
    }
    return sum;
  }
}

/** Odd weights of which the last one makes the sum zero. */
export function weightOf(rank: number, size: number): number {
  if (rank < size - 1) return mix(rank + 1) | 1;
  let sum = 0;
  for (let other = 0; other < size - 1; other++) sum = (sum + weightOf(other, size)) | 0;
  return -sum | 0;
}

function hashCall({ sequence, signature, length, countsHash }: Call): number {
  return mix(mix(mix(mix(sequence) ^ signature) ^ (length | 0)) ^ countsHash);
}

function hashPiece(from: number, to: number, count: number): number {
  return mix(mix(mix(from + 1) ^ to) ^ count);
}

/** The finalizer of MurmurHash3: every bit of the result depends on every bit of `value`. */
function mix(value: number): number {
  let hash = (value + 0x9e3779b9) | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
