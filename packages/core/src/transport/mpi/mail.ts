/**
 * Messages between two ranks.
 *
 * A message carries nothing but its data: the tag of MPI holds the program's tag and the dtype. `send` copies the message,
 * once, and returns; `receive` gets it in place.
 *
 * @packageDocumentation
 */
import { ContractError } from "../../errors.ts";
import { dtypeName, dtypeNames, type DTypeName } from "../dtype-name.ts";
import type { NumericArray } from "../transport.ts";
import type { HandleBox, MpiHandle } from "./abi.ts";
import type { Mpi } from "./mpi.ts";
import type { PendingSends } from "./pending-sends.ts";
import type { MpiWaiter } from "./waiter.ts";

/** Largest tag of a program: both implementations give messages at least 28 bits of tag, two of which are the dtype. */
export const MAX_MPI_TAG = 2 ** 25 - 1;

/**
 * How long `send` helps a large message on its way if the receiver is waiting for it, on top of the time of the copy. MPI
 * moves data only while somebody calls it, and this rank may compute for long afterwards.
 */
const HELP_MS = 0.05;
/** Bytes per millisecond of a slow network (1 GB/s): the time that the data itself may need. */
const HELP_BYTES_PER_MS = 1e6;
/** Messages up to this size go out at once, whatever the receiver does: the smallest limit of the transports in use. */
const EAGER_BYTES = 4_096;
/** Polls between two looks for a message of another dtype. */
const POLLS_PER_LOOK = 64;

/** What arrived instead of what was wanted. */
export interface WrongMessage {
  readonly dtype: DTypeName;
  readonly length: number;
}

/** Messages of one process, over all its groups. */
export class Mail {
  readonly #mpi: Mpi;
  readonly #waiter: MpiWaiter;
  readonly #pending: PendingSends;
  readonly #flag = new Int32Array(1);

  constructor(mpi: Mpi, waiter: MpiWaiter, pending: PendingSends) {
    this.#mpi = mpi;
    this.#waiter = waiter;
    this.#pending = pending;
  }

  /** Sends a copy of `buffer`. */
  send(communicator: MpiHandle, buffer: NumericArray, to: number, tag: number): void {
    this.#pending.collect();
    const { functions, abi } = this.#mpi;
    // An `ArrayBuffer` of its own lies outside the JavaScript heap, where the collector moves nothing.
    const copy = new Uint8Array(new ArrayBuffer(buffer.byteLength));
    copy.set(new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength));
    const pending = { request: this.#mpi.handleBox(), copy };
    const mpiTag = tagOf(tag, dtypeName(buffer));
    this.#mpi.check(
      "MPI_Isend",
      functions.isend(copy, copy.length, abi.uint8, to, mpiTag, communicator, pending.request.memory),
    );
    const helpMs = copy.length <= EAGER_BYTES ? 0 : HELP_MS + copy.length / HELP_BYTES_PER_MS;
    if (!this.#waiter.within(helpMs, () => this.#pending.isSent(pending))) this.#pending.add(pending);
  }

  /** Receives into `buffer`; returns what came instead, if it was something else, and leaves `buffer` as it was. */
  receive(
    communicator: MpiHandle,
    buffer: NumericArray,
    from: number,
    tag: number,
  ): WrongMessage | undefined {
    this.#pending.collect();
    const { functions, abi } = this.#mpi;
    const message = this.#mpi.handleBox();
    const [status, otherStatus] = [this.#mpi.status(), this.#mpi.status()];
    const wanted = dtypeName(buffer);
    const place = { communicator, from, tag: tagOf(tag, wanted) };
    const others = dtypeNames.filter((dtype) => dtype !== wanted);
    let found: DTypeName | undefined;
    let polls = 0;
    this.#waiter.until(() => {
      if (this.#take(place, message, status)) return true;
      // Now and then any other, so that a wrong dtype is an error instead of a wait without end.
      if (++polls % POLLS_PER_LOOK !== 0) return false;
      found = others.find((dtype) => this.#isThere({ ...place, tag: tagOf(tag, dtype) }, otherStatus));
      if (found === undefined) return false;
      // Both may have come since the first question, and the wanted one before the other.
      if (this.#take(place, message, status)) found = undefined;
      return true;
    });
    const numBytes = this.#mpi.countOf(found === undefined ? status : otherStatus, abi.uint8);
    if (found !== undefined || numBytes !== buffer.byteLength) {
      const dtype = found ?? wanted;
      return { dtype, length: dtype === "bool" ? numBytes : numBytes / 4 };
    }
    this.#mpi.check(
      "MPI_Mrecv",
      functions.mrecv(buffer, numBytes, abi.uint8, message.memory, abi.statusIgnore),
    );
    return undefined;
  }

  /** Takes a message out of MPI's queue, if it is there. */
  #take({ from, tag, communicator }: MessagePlace, message: HandleBox, status: Int32Array): boolean {
    const { functions } = this.#mpi;
    const code = functions.improbe(from, tag, communicator, this.#flag, message.memory, status);
    this.#mpi.check("MPI_Improbe", code);
    return this.#flag[0] !== 0;
  }

  /** Whether a message is there; it stays. */
  #isThere({ from, tag, communicator }: MessagePlace, status: Int32Array): boolean {
    const code = this.#mpi.functions.iprobe(from, tag, communicator, this.#flag, status);
    this.#mpi.check("MPI_Iprobe", code);
    return this.#flag[0] !== 0;
  }
}

/** Where a message comes from, by the tag of MPI. */
interface MessagePlace {
  readonly communicator: MpiHandle;
  readonly from: number;
  readonly tag: number;
}

/** Throws if MPI has no room for the tag. */
export function checkMpiTag(where: string, tag: number): void {
  if (tag <= MAX_MPI_TAG) return;
  throw new ContractError(
    `${where}: tag (${tag}) must be at most ${MAX_MPI_TAG} over MPI; use small numbers.`,
  );
}

function tagOf(tag: number, dtype: DTypeName): number {
  return tag * dtypeNames.length + dtypeNames.indexOf(dtype);
}
