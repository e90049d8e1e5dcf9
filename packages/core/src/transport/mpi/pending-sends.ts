/**
 * Messages that MPI has not finished sending. They outlive the run that sent them: MPI reads their memory until then.
 *
 * @packageDocumentation
 */
import type { HandleBox } from "./abi.ts";
import type { Mpi } from "./mpi.ts";

/** A message on its way. */
export interface PendingSend {
  readonly request: HandleBox;
  /** Kept alive until MPI has read it. */
  readonly copy: Uint8Array;
}

/** The unfinished messages of one process. */
export class PendingSends {
  readonly #mpi: Mpi;
  readonly #flag = new Int32Array(1);
  #pending: PendingSend[] = [];

  constructor(mpi: Mpi) {
    this.#mpi = mpi;
  }

  /** Number of messages. */
  get size(): number {
    return this.#pending.length;
  }

  add(message: PendingSend): void {
    this.#pending.push(message);
  }

  /** Lets go of the messages that have been sent. */
  collect(): void {
    if (this.#pending.length > 0) this.#pending = this.#pending.filter((each) => !this.isSent(each));
  }

  isSent({ request }: PendingSend): boolean {
    const { functions, abi } = this.#mpi;
    this.#mpi.check("MPI_Test", functions.test(request.memory, this.#flag, abi.statusIgnore));
    return this.#flag[0] !== 0;
  }
}
