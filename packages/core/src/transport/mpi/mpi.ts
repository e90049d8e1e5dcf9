/**
 * The functions of MPI that the transport uses. An error code becomes an `MpiError`.
 *
 * @packageDocumentation
 */
import { dtypeName } from "../dtype-name.ts";
import type { Call, NumericArray, ReduceOp } from "../transport.ts";
import { STATUS_WORDS, type HandleBox, type MpiAbi, type MpiHandle } from "./abi.ts";
import { declareFunctions, type MpiFunctions } from "./functions.ts";
import type { MpiLibrary } from "./library.ts";
import { MpiError, MpiStartError } from "./mpi-error.ts";

/** Bytes of the longest error text: MPICH's limit is 512, Open MPI's 256. */
const MAX_ERROR_BYTES = 1024;
/** `MPI_THREAD_SERIALIZED`: one thread at a time, not necessarily the main thread. */
const THREAD_SERIALIZED = 2;
const MPI_SUCCESS = 0;

/** MPI, started in this process. */
export class Mpi {
  readonly abi: MpiAbi;
  readonly version: string;
  readonly functions: MpiFunctions;
  readonly size: number;
  readonly #file: string;
  #world: MpiHandle;
  #rank: number;
  #call: Call | undefined;

  private constructor(library: MpiLibrary) {
    this.abi = library.abi;
    this.version = library.version;
    this.#file = library.file;
    this.#world = library.abi.world;
    this.functions = declareFunctions(library.library, library.abi.handleType);
    const provided = new Int32Array(1);
    this.check("MPI_Init_thread", this.functions.initThread(null, null, THREAD_SERIALIZED, provided));
    this.check(
      "MPI_Comm_set_errhandler",
      this.functions.setErrorHandler(this.abi.world, this.abi.errorsReturn),
    );
    const number = new Int32Array(1);
    this.check("MPI_Comm_rank", this.functions.commRank(this.abi.world, number));
    this.#rank = number[0]!;
    this.check("MPI_Comm_size", this.functions.commSize(this.abi.world, number));
    this.size = number[0]!;
  }

  /**
   * Starts MPI. A process does so once.
   *
   * @throws MpiStartError if it was started before, or if the library does not see the processes of the launcher.
   */
  static start(library: MpiLibrary, launcher: { readonly name: string; readonly size: number }): Mpi {
    const flag = new Int32Array(1);
    declareFunctions(library.library, library.abi.handleType).initialized(flag);
    if (flag[0] !== 0) {
      throw new MpiStartError(
        "MPI: it was started before in this process, which must do so once; run all programs in one world.",
      );
    }
    const mpi = new Mpi(library);
    if (mpi.size !== launcher.size) {
      throw new MpiStartError(
        `MPI: ${library.file} (${library.version}) sees ${mpi.size} processes, but ${launcher.name} started ${launcher.size}; launcher and library must belong together: use the mpirun of ${library.version}, or set MESHWRIGHT_MPI_LIBRARY to the launcher's library.`,
      );
    }
    return mpi;
  }

  /** The communicator of all processes, in the order of ranks. */
  get world(): MpiHandle {
    return this.#world;
  }

  /** This process's rank: MPI's own, until `renumber`. */
  get rank(): number {
    return this.#rank;
  }

  /**
   * Numbers the processes anew: process `order[r]` becomes rank `r`. All processes call it, with the same order, before
   * they make other communicators. Costs nothing where they are in order already.
   */
  renumber(order: readonly number[]): void {
    if (order.every((process, rank) => process === rank)) return;
    this.#world = this.createCommunicator(order, 0);
    this.#rank = order.indexOf(this.#rank);
  }

  /** The call that errors are about from now on. */
  enter(call: Call): void {
    this.#call = call;
  }

  /** Throws unless `code` says success. */
  check(name: string, code: number): void {
    if (code !== MPI_SUCCESS) this.#fail(name, code);
  }

  /** The datatype of an array's elements. */
  datatype(array: NumericArray): MpiHandle {
    switch (dtypeName(array)) {
      case "float32":
        return this.abi.float32;
      case "int32":
        return this.abi.int32;
      case "bool":
        return this.abi.uint8;
    }
  }

  /** The operation; an average is a sum that the caller divides. */
  operation(op: ReduceOp): MpiHandle {
    return op === "max" ? this.abi.max : op === "min" ? this.abi.min : this.abi.sum;
  }

  /** Memory for a handle. */
  handleBox(): HandleBox {
    return this.abi.handleBox();
  }

  /** A communicator of the given world ranks. Only they call it, all of them, with the same tag. */
  createCommunicator(ranks: readonly number[], tag: number): MpiHandle {
    const { functions } = this;
    const worldGroup = this.handleBox();
    this.check("MPI_Comm_group", functions.commGroup(this.#world, worldGroup.memory));
    const group = this.handleBox();
    this.check(
      "MPI_Group_incl",
      functions.groupIncl(worldGroup.value, ranks.length, Int32Array.from(ranks), group.memory),
    );
    const communicator = this.handleBox();
    this.check(
      "MPI_Comm_create_group",
      functions.commCreateGroup(this.#world, group.value, tag, communicator.memory),
    );
    functions.groupFree(group.memory);
    functions.groupFree(worldGroup.memory);
    return communicator.value;
  }

  /** Number of elements of `datatype` that a status reports. */
  countOf(status: Int32Array, datatype: MpiHandle): number {
    const count = new Int32Array(1);
    this.check("MPI_Get_count", this.functions.getCount(status, datatype, count));
    return count[0]!;
  }

  /** Memory for a status. */
  status(): Int32Array {
    return new Int32Array(STATUS_WORDS);
  }

  /** Ends MPI; all ranks call it. */
  finalize(): void {
    this.check("MPI_Finalize", this.functions.finalize());
  }

  #fail(name: string, code: number): never {
    const text = Buffer.alloc(MAX_ERROR_BYTES);
    this.functions.errorString(code, text, new Int32Array(1));
    const words = text.toString("utf8", 0, text.indexOf(0)).replaceAll(/\s+/g, " ").trim();
    const call = this.#call;
    const where = call === undefined ? "while it started" : `in ${call.describe()} of group "${call.group}"`;
    throw new MpiError(
      `MPI failed on rank ${this.rank} ${where}: ${words} (code ${code} of ${name}, ${this.version} in ${this.#file}).`,
    );
  }
}
