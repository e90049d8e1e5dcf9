/**
 * How a rank waits for another one, and how it wakes one up.
 *
 * Every wait is for a counter in shared memory, written by one other rank, to reach a value. A rank polls the counter for
 * a moment where every rank has a core, and then sleeps on its own doorbell. Whoever changes a counter rings the
 * doorbell of the rank it is for, but only if that rank says it sleeps: a signal then costs no system call.
 *
 * @packageDocumentation
 */
import type { ArenaMemory } from "./arena-memory.ts";
import { DOORBELL, SLEEPING } from "./layout.ts";
import type { OwnStatus } from "./own-status.ts";

/**
 * Turns of polling before sleep, about 4 ns each. Waking a sleeping thread costs 30 us (measured), so polling about
 * half as long never costs much more than sleeping at once would, and catches ranks that run in step.
 */
const MAX_SPINS = 4_000;
/**
 * Polling that fails is halved down to this, which still catches ranks that run in step. On a busy machine the system may
 * put two ranks on one core; the one that polls then keeps the other from running (measured: 23 us per call against 8).
 */
const MIN_SPINS = 500;
/** A sleeping rank looks around this often: for its time limit, and for ranks that wait in a circle. */
const SLICE_MS = 100;

/** What a blocked rank looks after before it sleeps. Throws where waiting is pointless. */
export interface BlockedRank {
  /** `counter`, `value` and `waitsFor` as given to `waitAtLeast`. */
  check(wait: { readonly counter: number; readonly value: number; readonly waitsFor: number }): void;
  /** Called once when a wait starts to block. */
  startWait(): void;
}

/** Waits on behalf of one rank. */
export class Waiter {
  readonly #memory: ArenaMemory;
  readonly #words: Int32Array;
  readonly #doorbell: number;
  readonly #status: OwnStatus;
  readonly #maxSpins: number;
  #spins: number;
  readonly #blocked: BlockedRank;

  constructor(
    memory: ArenaMemory,
    options: {
      readonly rank: number;
      readonly spin: boolean;
      readonly status: OwnStatus;
      readonly blocked: BlockedRank;
    },
  ) {
    this.#memory = memory;
    this.#words = memory.words;
    this.#doorbell = memory.doorbell(options.rank);
    this.#status = options.status;
    this.#maxSpins = options.spin ? MAX_SPINS : 1;
    this.#spins = this.#maxSpins;
    this.#blocked = options.blocked;
  }

  /** Returns once the counter at word `counter`, which world rank `waitsFor` advances, has reached `value`. */
  waitAtLeast(counter: number, value: number, waitsFor: number): void {
    if (this.#reached(counter, value)) return;
    for (let turn = this.#spins; turn > 0; turn--) {
      if (!this.#reached(counter, value)) continue;
      this.#spins = this.#maxSpins;
      return;
    }
    if (this.#spins > MIN_SPINS) this.#spins >>= 1;
    this.#block(counter, value, waitsFor);
  }

  /** Wakes `rank` if it sleeps. Call it after the change that `rank` may be waiting for. */
  ring(rank: number): void {
    const doorbell = this.#memory.doorbell(rank);
    // Loaded after the counter was stored; the sleeper stores SLEEPING before it loads the counter. One of the two
    // therefore sees the other's store, and no wake-up is lost.
    if (Atomics.load(this.#words, doorbell + SLEEPING) === 1) this.#ringAt(doorbell);
  }

  /** Wakes every rank, asleep or about to be. */
  ringAll(): void {
    for (let rank = 0; rank < this.#memory.ranks; rank++) this.#ringAt(this.#memory.doorbell(rank));
  }

  /** Sleeps until somebody rings, or for `ms`. */
  doze(ms: number): void {
    Atomics.wait(
      this.#words,
      this.#doorbell + DOORBELL,
      Atomics.load(this.#words, this.#doorbell + DOORBELL),
      ms,
    );
  }

  #ringAt(doorbell: number): void {
    // The bell's value changes first: a rank between its last look and Atomics.wait then does not fall asleep.
    Atomics.add(this.#words, doorbell + DOORBELL, 1);
    Atomics.notify(this.#words, doorbell + DOORBELL);
  }

  #reached(counter: number, value: number): boolean {
    // An acquire: what the other rank wrote before it advanced the counter is visible from here on. The difference
    // is taken in 32 bits, so counters may wrap around.
    return ((Atomics.load(this.#words, counter) - value) | 0) >= 0;
  }

  #block(counter: number, value: number, waitsFor: number): void {
    const words = this.#words;
    const doorbell = this.#doorbell;
    const wait = { counter, value, waitsFor };
    this.#status.beginWait(waitsFor, counter, value);
    this.#blocked.startWait();
    try {
      for (;;) {
        // Read before the counter: a ring after this line makes Atomics.wait return at once.
        const bell = Atomics.load(words, doorbell + DOORBELL);
        // Stored before the counter is read, see `ring`.
        Atomics.store(words, doorbell + SLEEPING, 1);
        if (this.#reached(counter, value)) return;
        this.#blocked.check(wait);
        if (this.#reached(counter, value)) return;
        Atomics.wait(words, doorbell + DOORBELL, bell, SLICE_MS);
      }
    } finally {
      // Others save the wake-up call from now on.
      Atomics.store(words, doorbell + SLEEPING, 0);
      this.#status.endWait();
    }
  }
}
