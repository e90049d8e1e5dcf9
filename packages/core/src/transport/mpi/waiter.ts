/**
 * Waits for other ranks without using up a core, and without losing sight of the rest of the process.
 *
 * A rank that blocks inside MPI spins, hears nothing, and cannot be woken. Ranks therefore wait here, by asking MPI again
 * and again, and enter a blocking call of MPI only once all ranks that take part have arrived.
 *
 * @packageDocumentation
 */
import type { MpiLibrary } from "./library.ts";
import type { OwnPlace } from "./own-place.ts";

/** Polls before the first look at the clock: some 20 us, longer than a message between two cores takes. */
const SPIN_POLLS = 64;
/** Until then a waiting rank gives its core to whoever wants it, and stays awake otherwise. */
const YIELD_MS = 2;
/** The same where there are more ranks than cores, and others need the core. */
const YIELD_MS_CROWDED = 0.2;
/** Sleeps between two polls: from the shortest that timers give to one that costs under 1 % of a core. */
const MIN_DOZE_MS = 0.05;
const MAX_DOZE_MS = 0.5;
/** A wait of this length is shown on the status board. */
const SHOWN_MS = 50;

/** Waits on behalf of one rank. */
export class MpiWaiter {
  readonly #place: OwnPlace;
  readonly #yieldMs: number;
  readonly #spinPolls: number;
  readonly #yield: () => number;
  /** Nobody ever wakes it: a sleep of a given length. */
  readonly #bed = new Int32Array(new SharedArrayBuffer(4));

  constructor(place: OwnPlace, library: MpiLibrary["library"], crowded: boolean) {
    this.#place = place;
    this.#yieldMs = crowded ? YIELD_MS_CROWDED : YIELD_MS;
    this.#spinPolls = crowded ? 1 : SPIN_POLLS;
    this.#yield = library.func("sched_yield", "int", []) as () => number;
  }

  /**
   * Returns once `isDone` does.
   *
   * @throws WorldAbortedError if the world is stopped meanwhile.
   */
  until(isDone: () => boolean): void {
    for (let poll = 0; poll < this.#spinPolls; poll++) if (isDone()) return;
    const start = performance.now();
    let shown = false;
    let dozeMs = MIN_DOZE_MS;
    while (!isDone()) {
      this.#place.throwIfAborted();
      const waitedMs = performance.now() - start;
      if (waitedMs < this.#yieldMs) {
        this.#yield();
        continue;
      }
      if (!shown && waitedMs >= SHOWN_MS) {
        shown = true;
        this.#place.beginWait();
      }
      Atomics.wait(this.#bed, 0, 0, dozeMs);
      dozeMs = Math.min(MAX_DOZE_MS, dozeMs * 1.1);
    }
    if (shown) this.#place.endWait();
  }

  /** Polls for at most `limitMs`; whether `isDone` did. */
  within(limitMs: number, isDone: () => boolean): boolean {
    const start = performance.now();
    do {
      if (isDone()) return true;
    } while (performance.now() - start < limitMs);
    return false;
  }
}
