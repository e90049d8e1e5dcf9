/**
 * What one MPI rank publishes for the other threads of its process, and what it learns from them: a status board of one
 * rank, in shared memory.
 *
 * @packageDocumentation
 */
import { WorldAbortedError } from "../failures.ts";
import { ArenaMemory } from "../threads/arena-memory.ts";
import { ArenaTexts } from "../threads/arena-texts.ts";
import { createThreadsArena, type ThreadsArena } from "../threads/arena.ts";
import { ABORTED } from "../threads/layout.ts";
import { OwnStatus } from "../threads/own-status.ts";
import type { Call } from "../transport.ts";

/** The shared memory of one process. It moves no data, so that the smallest sizes do. */
export function createOwnPlace(): ThreadsArena {
  return createThreadsArena({ ranks: 1, chunkBytes: 1024, mailboxBytes: 1024 });
}

/** `waitsFor` of a status that does not name a rank: MPI does not say whom it waits for. */
export const WAITS_FOR_ANY = -1;

/** The rank's end of the shared memory. */
export class OwnPlace {
  readonly #words: Int32Array;
  readonly #status: OwnStatus;
  #call: Call | undefined;

  constructor(place: ThreadsArena) {
    const memory = new ArenaMemory(place);
    this.#words = memory.words;
    this.#status = new OwnStatus(memory, 0, new ArenaTexts(memory, 0));
  }

  /** A call starts. Throws if the world was stopped. */
  beginCall(call: Call): void {
    this.#call = call;
    this.throwIfAborted();
    this.#status.beginCall(call);
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
    if (Atomics.load(this.#words, ABORTED) === 0) return;
    const where = this.#call === undefined ? "" : ` while this rank was in ${this.#call.describe()}`;
    throw new WorldAbortedError(
      `The world was stopped${where}; see the first error of the run for the reason.`,
    );
  }
}
