/**
 * What one MPI rank publishes for the other threads of its process, and what it learns from them: a status board of one
 * rank, in shared memory.
 *
 * @packageDocumentation
 */
import { WorldAbortedError } from "../failures.ts";
import { ArenaMemory } from "../threads/arena-memory.ts";
import { ArenaTexts } from "../threads/arena-texts.ts";
import { createThreadsArena, resetArena, type ThreadsArena } from "../threads/arena.ts";
import { ABORTED } from "../threads/layout.ts";
import { OwnStatus } from "../threads/own-status.ts";
import type { Call } from "../transport.ts";

/** The shared memory of one process (structured-cloneable). */
export interface PlaceMemory {
  /** An arena of one rank, for its status and texts. It moves no data, so that the smallest sizes do. */
  readonly arena: ThreadsArena;
  /** Which group the call is in, and with whom; how far the rank got in each group, and with each other rank. */
  readonly words: Int32Array;
  /** Ranks in the world. */
  readonly size: number;
}

/** Words of `PlaceMemory.words`. */
export const GROUP_NUMBER = 0;
export const PARTNER = 1;
/** Then messages sent to each rank, messages received from each, and the last collective of each group. */
export const COUNTERS = 2;
/** Groups beyond these are not followed. */
export const MAX_GROUPS = 1_024;

/** `PARTNER` of a call that all members make. */
export const NO_PARTNER = -1;

/** Makes it, for a rank of a world of `size`. */
export function createOwnPlace(size: number): PlaceMemory {
  return {
    arena: createThreadsArena({ ranks: 1, chunkBytes: 1024, mailboxBytes: 1024 }),
    words: new Int32Array(new SharedArrayBuffer(4 * (COUNTERS + 2 * size + MAX_GROUPS))),
    size,
  };
}

/** Makes it as good as new, for the next run. */
export function resetOwnPlace({ arena, words }: PlaceMemory): void {
  resetArena(arena);
  words.fill(0);
}

/** `waitsFor` of a status that does not name a rank: MPI does not say whom it waits for. */
export const WAITS_FOR_ANY = -1;

/** The rank's end of the shared memory. */
export class OwnPlace {
  readonly #arenaWords: Int32Array;
  readonly #words: Int32Array;
  readonly #size: number;
  readonly #status: OwnStatus;
  #call: Call | undefined;

  constructor(place: PlaceMemory) {
    const memory = new ArenaMemory(place.arena);
    this.#arenaWords = memory.words;
    this.#words = place.words;
    this.#size = place.size;
    this.#status = new OwnStatus(memory, 0, new ArenaTexts(memory, 0));
  }

  /** A call in group number `group` starts, with one `partner` (a world rank) or all. Throws if the world was stopped. */
  beginCall(call: Call, group: number): void {
    this.#call = call;
    this.throwIfAborted();
    this.#words[GROUP_NUMBER] = group;
    this.#words[PARTNER] = NO_PARTNER;
    if (call.sequence > 0 && group < MAX_GROUPS) {
      this.#words[COUNTERS + 2 * this.#size + group] = call.sequence;
    }
    this.#status.beginCall(call);
  }

  /** The call is with one rank only. */
  setPartner(worldRank: number): void {
    this.#words[PARTNER] = worldRank;
  }

  countSent(worldRank: number): void {
    this.#words[COUNTERS + worldRank]!++;
  }

  countReceived(worldRank: number): void {
    this.#words[COUNTERS + this.#size + worldRank]!++;
  }

  endCall(): void {
    this.#status.endCall();
  }

  /** The call takes long: say where the program is. */
  beginWait(): void {
    if (this.#call !== undefined) this.#status.publishDescription(this.#call);
    this.#status.beginWait(WAITS_FOR_ANY, 0, 0);
  }

  endWait(): void {
    this.#status.endWait();
  }

  finish(): void {
    this.#status.publishFinish();
  }

  throwIfAborted(): void {
    // Stored once, by whoever stops the world.
    if (Atomics.load(this.#arenaWords, ABORTED) === 0) return;
    const where = this.#call === undefined ? "" : ` while this rank was in ${this.#call.describe()}`;
    throw new WorldAbortedError(
      `The world was stopped${where}; see the first error of the run for the reason.`,
    );
  }
}
