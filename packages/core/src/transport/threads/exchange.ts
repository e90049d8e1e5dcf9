/**
 * One group's use of the outboxes: the steps that all collectives are made of.
 *
 * Every collective starts with a *meeting*: each rank posts a slot whose header says what it calls, and compares the
 * headers of all others with its own before it delivers anything. The comparison costs no message of its own.
 *
 * @packageDocumentation
 */
import type { Call, NumericArray } from "../transport.ts";
import type { ArenaMemory } from "./arena-memory.ts";
import { SCRATCH_BYTES } from "./layout.ts";
import type { Outbox } from "./outbox.ts";
import type { ReduceKernels } from "./reduce-kernels.ts";
import type { Watchdog } from "./watchdog.ts";

/** The parts of a rank that a group uses. */
export interface RankParts {
  readonly worldRank: number;
  readonly memory: ArenaMemory;
  readonly outbox: Outbox;
  readonly kernels: ReduceKernels;
  readonly watchdog: Watchdog;
  /** Whether every rank has a core; signals are then cheap. */
  readonly spin: boolean;
}

/** Steps of a collective on one rank of one group. Positions in the group throughout. */
export class Exchange {
  readonly rank: number;
  readonly size: number;
  readonly memory: ArenaMemory;
  readonly kernels: ReduceKernels;
  /** Word offset of a private buffer of `SCRATCH_BYTES` in the arena. */
  readonly scratch: number;
  /** Up to this size every rank reduces everything itself, which saves a signal. The same on all ranks. */
  readonly oneRoundBytes: number;
  readonly #outbox: Outbox;
  readonly #watchdog: Watchdog;
  /** World ranks of the group, and of all others in it. */
  readonly #ranks: readonly number[];
  readonly #peers: readonly number[];
  readonly #context: number;

  constructor(parts: RankParts, ranks: readonly number[], context: number) {
    this.rank = ranks.indexOf(parts.worldRank);
    this.size = ranks.length;
    this.memory = parts.memory;
    this.kernels = parts.kernels;
    this.scratch = parts.memory.scratch(parts.worldRank);
    // Measured: 2 ranks break even at about 32 KiB; where signals put threads to sleep, the later the better.
    this.oneRoundBytes = Math.min(parts.spin ? 32_768 : SCRATCH_BYTES, parts.memory.chunkBytes);
    this.#outbox = parts.outbox;
    this.#watchdog = parts.watchdog;
    this.#ranks = ranks;
    this.#peers = ranks.filter((rank) => rank !== parts.worldRank);
    this.#context = context;
  }

  /** Elements of `like`'s dtype that one slot holds. */
  slotElements(like: NumericArray): number {
    return this.memory.chunkBytes / like.BYTES_PER_ELEMENT;
  }

  /** Takes a slot of this rank's outbox. */
  acquire(): number {
    return this.#outbox.acquire();
  }

  /** Word offset of the data in this rank's slot. */
  ownData(slot: number): number {
    return this.memory.slotData(this.#ranks[this.rank]!, slot);
  }

  /** Writes into the slot's header what this rank calls. */
  writeHeader(slot: number, call: Call): void {
    const words = this.memory.words;
    const at = this.memory.slotHeader(this.#ranks[this.rank]!, slot);
    words[at] = this.#context;
    words[at + 1] = call.sequence;
    words[at + 2] = call.signature;
    words[at + 3] = call.length;
    words[at + 4] = call.countsHash;
  }

  /** Posts `slot`, the first of this call, to all others, waits for theirs, and compares what they call. */
  meet(slot: number, call: Call, data?: Int32Array): void {
    this.writeHeader(slot, call);
    this.#outbox.post(slot, this.#peers);
    for (let from = 0; from < this.size; from++) {
      const at = from === this.rank ? this.ownData(slot) : this.meetOne(from, call);
      if (data) data[from] = at;
    }
  }

  /** Waits for the first post of `from` in this call; returns the word offset of its data. */
  meetOne(from: number, call: Call): number {
    const worldRank = this.#ranks[from]!;
    const slot = this.#outbox.arrive(worldRank);
    const words = this.memory.words;
    const at = slot < 0 ? -1 : this.memory.slotHeader(worldRank, slot);
    if (
      at < 0 ||
      words[at] !== this.#context ||
      words[at + 1] !== call.sequence ||
      words[at + 2] !== call.signature ||
      words[at + 3] !== (call.length | 0) ||
      words[at + 4] !== call.countsHash
    ) {
      this.#watchdog.mismatch();
    }
    return this.memory.slotData(worldRank, slot);
  }

  /** Shows `slot` to all others. */
  post(slot: number): void {
    this.#outbox.post(slot, this.#peers);
  }

  /** Shows `slot` to one other, with two numbers for it alone. */
  postTo(to: number, slot: number, first: number, second: number): void {
    this.#outbox.postWithNotes(slot, this.#ranks[to]!, first, second);
  }

  /** Tells all others to go on. */
  signal(): void {
    this.#outbox.signal(this.#peers);
  }

  /** Waits for the next post of `from`; returns the word offset of its data. */
  arrive(from: number): number {
    const worldRank = this.#ranks[from]!;
    return this.memory.slotData(worldRank, this.#outbox.arrive(worldRank));
  }

  /** Waits for the next post of all others; puts the word offsets of the data of all ranks into `data`. */
  arriveAll(slot: number, data: Int32Array): void {
    for (let from = 0; from < this.size; from++) {
      data[from] = from === this.rank ? this.ownData(slot) : this.arrive(from);
    }
  }

  /** Waits for a `signal` of all others. */
  awaitSignals(): void {
    for (const peer of this.#peers) this.#outbox.arrive(peer);
  }

  /** The two numbers that came with the last post of `from`. */
  notes(from: number): readonly [number, number] {
    return this.#outbox.notes(this.#ranks[from]!);
  }

  /** The posts of all others, but the last `pending` of each, have been read. */
  releaseAll(pending = 0): void {
    for (const peer of this.#peers) this.#outbox.release(peer, pending);
  }

  /** The posts of `from` have been read. */
  release(from: number): void {
    this.#outbox.release(this.#ranks[from]!);
  }

  /** Reports that two members of the group disagree in a number that is not in the header. */
  mismatch(detail: string): never {
    return this.#watchdog.mismatch(detail);
  }
}
