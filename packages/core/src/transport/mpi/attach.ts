/**
 * The MPI transport: every rank is a process, and libmpi moves the data.
 *
 * @packageDocumentation
 */
import { availableParallelism } from "node:os";
import { callSite } from "../../collectives/call-site.ts";
import { hashText } from "../hash-text.ts";
import type { Call, Communicator, OpenOptions, Transport } from "../transport.ts";
import type { MpiHandle } from "./abi.ts";
import type { MpiLauncher } from "./launcher.ts";
import { loadMpiLibrary, type MpiLibrary } from "./library.ts";
import { Mail } from "./mail.ts";
import { MpiCommunicator, type MpiRankParts } from "./mpi-communicator.ts";
import { Mpi } from "./mpi.ts";
import { OwnPlace, type PlaceMemory } from "./own-place.ts";
import { PendingSends } from "./pending-sends.ts";
import { MpiWaiter } from "./waiter.ts";

/** Tags of communicator set-up stay below what the standard guarantees. */
const MAX_SETUP_TAG = 32_767;

/** A group that a rank has opened. */
export interface OpenedGroup {
  readonly number: number;
  /** World ranks. */
  readonly ranks: readonly number[];
  /** The same on all members, and different for groups of the same ranks. */
  readonly key: string;
}

/** Settings of the transport. */
export interface MpiOptions {
  /** Reduce floats in the order of ranks: the same bits as on threads, on any number of ranks. */
  readonly deterministic: boolean;
  /** Host of every rank. Where one has more ranks than cores, a waiting rank of it gives its core away at once. */
  readonly hosts: readonly string[];
  /** Ranks that take part in the run, the first ones. Default: all. */
  readonly ranks?: number;
  /** Called when the rank opens a group, with the number by which its status names it. */
  readonly onGroup?: (group: OpenedGroup) => void;
}

/** MPI in this process: started once, attached to by one run after the other. */
export class MpiProcess {
  readonly mpi: Mpi;
  readonly pending: PendingSends;
  readonly #library: MpiLibrary;
  /** By ranks and by how often they were opened in a run; all members hold the same. */
  readonly #communicators = new Map<string, MpiHandle>();

  private constructor(library: MpiLibrary, mpi: Mpi) {
    this.#library = library;
    this.mpi = mpi;
    this.pending = new PendingSends(mpi);
  }

  /**
   * Loads libmpi and starts it.
   *
   * @throws MpiStartError if there is no library, or one of another implementation than the launcher's.
   */
  static start(launcher: MpiLauncher): MpiProcess {
    const library = loadMpiLibrary(launcher);
    return new MpiProcess(library, Mpi.start(library, launcher));
  }

  /** This rank's transport for one run. `place` is what the other threads of the process read. */
  attach(place: PlaceMemory, options: MpiOptions): Transport {
    const own = new OwnPlace(place);
    const ownHost = options.hosts[this.mpi.rank];
    const localRanks = options.hosts.filter((host) => host === ownHost).length;
    const crowded = localRanks > availableParallelism();
    const waiter = new MpiWaiter(own, this.#library.library, crowded);
    const parts: MpiRankParts = {
      ...{ mpi: this.mpi, place: own, waiter, pending: this.pending },
      mail: new Mail(this.mpi, waiter, this.pending),
      ...{ deterministic: options.deterministic, failure: undefined },
    };
    return new MpiTransport(parts, options, (ranks, times) => this.#communicator(ranks, times));
  }

  #communicator(ranks: readonly number[], times: number): MpiHandle {
    // A group of one moves nothing.
    if (ranks.length === 1) return this.mpi.world;
    const key = `${ranks.join()} ${times}`;
    const known = this.#communicators.get(key);
    if (known !== undefined) return known;
    const tag = (hashText(key) >>> 0) % MAX_SETUP_TAG;
    const handle = this.mpi.createCommunicator(ranks, tag);
    this.#communicators.set(key, handle);
    return handle;
  }
}

/** The communicator of some ranks, opened so many times before in the run. */
type FindCommunicator = (ranks: readonly number[], times: number) => MpiHandle;

class MpiTransport implements Transport {
  readonly kind = "mpi";
  readonly rank: number;
  readonly size: number;
  readonly hosts: readonly string[];
  readonly #parts: MpiRankParts;
  readonly #onGroup: MpiOptions["onGroup"];
  readonly #communicator: FindCommunicator;
  /** How often each set of ranks was opened in this run. */
  readonly #opened = new Map<string, number>();
  #numGroups = 0;

  constructor(parts: MpiRankParts, options: MpiOptions, communicator: FindCommunicator) {
    this.#parts = parts;
    this.rank = parts.mpi.rank;
    this.size = options.ranks ?? parts.mpi.size;
    this.hosts = options.hosts.slice(0, this.size);
    this.#onGroup = options.onGroup;
    this.#communicator = communicator;
  }

  open(ranks: readonly number[], options: OpenOptions): Communicator {
    const key = ranks.join();
    const times = this.#opened.get(key) ?? 0;
    this.#opened.set(key, times + 1);
    const number = this.#numGroups++;
    this.#onGroup?.({ number, ranks: [...ranks], key: `${key} ${times}` });
    // The members meet here, and whoever watches this rank should see it.
    const call = openingCall(ranks, options);
    this.#parts.mpi.enter(call);
    this.#parts.place.beginCall(call, number);
    const handle = this.#communicator(ranks, times);
    this.#parts.place.endCall();
    return new MpiCommunicator(this.#parts, [...ranks], { handle, number });
  }

  finish(): void {
    this.#parts.pending.collect();
    this.#parts.place.finish();
  }
}

/** The opening of a group, as messages name it. */
function openingCall(ranks: readonly number[], { name }: OpenOptions): Call {
  return {
    ...{ group: name, collective: "barrier", label: "createGroup" },
    ...{ sequence: 0, signature: 0, length: 0, countsHash: 0, describeEarly: true },
    describe: () => `createGroup([${ranks.join(", ")}], "${name}") at ${callSite()}`,
  };
}
