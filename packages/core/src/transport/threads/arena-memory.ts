/**
 * Typed views of an arena, as one thread sees it.
 *
 * @packageDocumentation
 */
import type { NumericArray } from "../transport.ts";
import type { ThreadsArena } from "./arena.ts";
import {
  LINE_WORDS,
  MAIL_COUNTER_WORDS,
  NUM_SLOTS,
  SLOT_HEADER_WORDS,
  STATUS_WORDS,
  threadsLayout,
  type ThreadsLayout,
} from "./layout.ts";

/** The whole arena as arrays of each dtype, with the word offsets of its parts. */
export class ArenaMemory {
  readonly ranks: number;
  readonly words: Int32Array;
  readonly floats: Float32Array;
  readonly bytes: Uint8Array;
  /** For time stamps; index = word offset / 2. */
  readonly doubles: Float64Array;
  readonly layout: ThreadsLayout;
  readonly chunkBytes: number;
  readonly mailboxBytes: number;

  constructor(arena: ThreadsArena) {
    const { buffer } = arena.memory;
    this.ranks = arena.ranks;
    this.words = new Int32Array(buffer);
    this.floats = new Float32Array(buffer);
    this.bytes = new Uint8Array(buffer);
    this.doubles = new Float64Array(buffer);
    this.layout = threadsLayout(arena);
    this.chunkBytes = arena.chunkBytes;
    this.mailboxBytes = arena.mailboxBytes;
  }

  /** The arena as elements of `like`'s dtype. */
  viewLike(like: NumericArray): NumericArray {
    if (like instanceof Float32Array) return this.floats;
    return like instanceof Int32Array ? this.words : this.bytes;
  }

  doorbell(rank: number): number {
    return this.layout.doorbells + rank * LINE_WORDS;
  }

  status(rank: number): number {
    return this.layout.status + rank * STATUS_WORDS;
  }

  /** The line that `from` writes and `to` polls. */
  signals(from: number, to: number): number {
    return this.layout.signals + (from * this.ranks + to) * LINE_WORDS;
  }

  /** Bytes that `from` has put into the mailbox to `to`. */
  mailTail(from: number, to: number): number {
    return this.layout.mailCounters + (from * this.ranks + to) * MAIL_COUNTER_WORDS;
  }

  /** Bytes that `to` has taken out of the mailbox. */
  mailHead(from: number, to: number): number {
    return this.mailTail(from, to) + LINE_WORDS;
  }

  mailbox(from: number, to: number): number {
    return this.layout.mailboxes + (from * this.ranks + to) * this.layout.mailboxWords;
  }

  table(rank: number): number {
    return this.layout.tables + rank * this.layout.tableWords;
  }

  texts(rank: number): number {
    return this.layout.texts + rank * this.layout.textWords;
  }

  scratch(rank: number): number {
    return this.layout.scratch + rank * this.layout.scratchWords;
  }

  /** Header of slot `slot` of `rank`'s outbox. */
  slotHeader(rank: number, slot: number): number {
    return this.layout.slots + (rank * NUM_SLOTS + slot) * this.layout.slotWords;
  }

  /** Data of slot `slot` of `rank`'s outbox. */
  slotData(rank: number, slot: number): number {
    return this.slotHeader(rank, slot) + SLOT_HEADER_WORDS;
  }
}
