/**
 * Texts in the arena: short names that statuses refer to by number, and one long text per purpose and rank.
 *
 * @packageDocumentation
 */
import type { ArenaMemory } from "./arena-memory.ts";
import { DESCRIPTION_WORDS, FAILURE_WORDS, NAMES_WORDS } from "./layout.ts";

/** The long texts of a rank. */
export type LongText = "description" | "failure";

/** Writes this rank's texts and reads everybody's. */
export class ArenaTexts {
  readonly #memory: ArenaMemory;
  readonly #rank: number;
  readonly #names = new Map<string, number>([["", 0]]);
  /** Word 0 of the names stays free: number 0 is the empty name. */
  #namesUsed = 1;

  constructor(memory: ArenaMemory, rank: number) {
    this.#memory = memory;
    this.#rank = rank;
  }

  /** A number for `name` that any thread can turn back; 0 (the empty name) where the table is full. */
  nameId(name: string): number {
    const known = this.#names.get(name);
    if (known !== undefined) return known;
    const encoded = Buffer.from(name.slice(0, 200));
    const words = 1 + Math.ceil(encoded.length / 4);
    if (this.#namesUsed + words > NAMES_WORDS) return 0;
    const id = this.#namesUsed;
    this.#namesUsed += words;
    this.#write(this.#namesOf(this.#rank) + id, encoded);
    this.#names.set(name, id);
    return id;
  }

  /** The name that `rank` gave number `id`. */
  name(rank: number, id: number): string {
    return id === 0 ? "" : this.#read(this.#namesOf(rank) + id);
  }

  /** Replaces a long text of this rank; what does not fit is cut off. */
  write(kind: LongText, text: string): void {
    const limit = (kind === "description" ? DESCRIPTION_WORDS : FAILURE_WORDS) * 4 - 4;
    this.#write(this.#longText(this.#rank, kind), Buffer.from(text).subarray(0, limit));
  }

  read(kind: LongText, rank: number): string {
    return this.#read(this.#longText(rank, kind));
  }

  #namesOf(rank: number): number {
    return this.#memory.texts(rank) + DESCRIPTION_WORDS + FAILURE_WORDS;
  }

  #longText(rank: number, kind: LongText): number {
    return this.#memory.texts(rank) + (kind === "description" ? 0 : DESCRIPTION_WORDS);
  }

  #write(at: number, encoded: Uint8Array): void {
    this.#memory.words[at] = encoded.length;
    this.#memory.bytes.set(encoded, (at + 1) * 4);
  }

  #read(at: number): string {
    const start = (at + 1) * 4;
    // A copy, because TextDecoder refuses shared memory.
    return Buffer.from(this.#memory.bytes.slice(start, start + this.#memory.words[at]!)).toString("utf8");
  }
}
