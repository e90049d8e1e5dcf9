/**
 * Outboxes: how ranks show each other arrays.
 *
 * Each rank owns `NUM_SLOTS` slots that all others can read. To post, it fills the next slot and advances one counter
 * per reader; a reader that is done advances a counter back. Counters belong to pairs of ranks, not to groups: a rank is
 * in one call at a time, so any number of groups can use the same outboxes without being registered anywhere.
 *
 * ```text
 * line (from, to):  posted | consumed (posts of `to`) | for each of the last 4 posts: slot, first note, second note
 * ```
 *
 * @packageDocumentation
 */
import type { ArenaMemory } from "./arena-memory.ts";
import { NUM_SLOTS } from "./layout.ts";
import type { Waiter } from "./waiter.ts";

const POSTED = 0;
const CONSUMED = 1;
const ENTRIES = 2;
const ENTRY_WORDS = 3;
/** A power of two, so that counters may wrap; at least `NUM_SLOTS` posts can be on their way. */
const NUM_ENTRIES = 4;
/** A post without a slot: only a signal. */
const NO_SLOT = -1;

/** One rank's outbox, and its view of the others'. World ranks throughout. */
export class Outbox {
  readonly #memory: ArenaMemory;
  readonly #words: Int32Array;
  readonly #waiter: Waiter;
  readonly #rank: number;
  /** Posts to each rank, and posts taken from each rank. */
  readonly #posted: Int32Array;
  readonly #arrived: Int32Array;
  #slot = 0;
  /** Who was shown a slot last, and the reader's count of posts at that time. */
  readonly #readers: (readonly number[])[] = Array.from({ length: NUM_SLOTS }, () => []);
  readonly #readerCounts: Int32Array;

  constructor(memory: ArenaMemory, rank: number, waiter: Waiter) {
    this.#memory = memory;
    this.#words = memory.words;
    this.#waiter = waiter;
    this.#rank = rank;
    this.#posted = new Int32Array(memory.ranks);
    this.#arrived = new Int32Array(memory.ranks);
    this.#readerCounts = new Int32Array(NUM_SLOTS * memory.ranks);
  }

  /** The next slot, once everybody who was shown its last contents is done with them. */
  acquire(): number {
    this.#slot = (this.#slot + 1) % NUM_SLOTS;
    const slot = this.#slot;
    const readers = this.#readers[slot]!;
    for (const reader of readers) {
      const counter = this.#memory.signals(reader, this.#rank) + CONSUMED;
      this.#waiter.waitAtLeast(counter, this.#readerCounts[slot * this.#memory.ranks + reader]!, reader);
    }
    this.#readers[slot] = [];
    return slot;
  }

  /** Shows `slot` to `readers`. */
  post(slot: number, readers: readonly number[]): void {
    for (const reader of readers) this.#postTo(reader, slot, 0, 0);
    this.#readers[slot] = readers;
  }

  /** Shows `slot` to one more reader, with two numbers for it alone. */
  postWithNotes(slot: number, reader: number, first: number, second: number): void {
    this.#postTo(reader, slot, first, second);
    this.#readers[slot] = [...this.#readers[slot]!, reader];
  }

  /** Tells `readers` to go on, without a slot. */
  signal(readers: readonly number[]): void {
    for (const reader of readers) this.#postTo(reader, NO_SLOT, 0, 0);
  }

  /** Waits for the next post of `from` and returns its slot. */
  arrive(from: number): number {
    const count = (this.#arrived[from]! + 1) | 0;
    const line = this.#memory.signals(from, this.#rank);
    this.#waiter.waitAtLeast(line + POSTED, count, from);
    this.#arrived[from] = count;
    return this.#words[this.#entry(line, count)]!;
  }

  /** The two numbers that came with the last post of `from`. */
  notes(from: number): readonly [number, number] {
    const entry = this.#entry(this.#memory.signals(from, this.#rank), this.#arrived[from]!);
    return [this.#words[entry + 1]!, this.#words[entry + 2]!];
  }

  /** Says that all posts of `from` that arrived, but the last `pending`, have been read. */
  release(from: number, pending = 0): void {
    const line = this.#memory.signals(this.#rank, from);
    // After the reads: once `from` sees the count it overwrites the slots.
    Atomics.store(this.#words, line + CONSUMED, (this.#arrived[from]! - pending) | 0);
    this.#waiter.ring(from);
  }

  #postTo(reader: number, slot: number, first: number, second: number): void {
    const words = this.#words;
    const line = this.#memory.signals(this.#rank, reader);
    const count = (this.#posted[reader]! + 1) | 0;
    this.#posted[reader] = count;
    const entry = this.#entry(line, count);
    words[entry] = slot;
    words[entry + 1] = first;
    words[entry + 2] = second;
    if (slot !== NO_SLOT) this.#readerCounts[slot * this.#memory.ranks + reader] = count;
    // After the slot and the entry are written: whoever sees the count may read them.
    Atomics.store(words, line + POSTED, count);
    this.#waiter.ring(reader);
  }

  #entry(line: number, count: number): number {
    return line + ENTRIES + (count & (NUM_ENTRIES - 1)) * ENTRY_WORDS;
  }
}
