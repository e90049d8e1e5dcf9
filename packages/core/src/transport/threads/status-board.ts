/**
 * The status board: what every rank does at the moment, readable by all ranks and by the main thread.
 *
 * A rank writes only its own status, with plain stores, because it does so at every call. A reader may therefore see
 * a status that is just being changed; the board is for messages about ranks that are stuck, which do not change.
 * What decisions rest on (failure, end of program, wait state) is written and read with `Atomics`.
 *
 * @packageDocumentation
 */
import { collectiveNames, type CollectiveName } from "../../collectives/ledger.ts";
import { failureKinds, type FailureKind } from "../failures.ts";
import type { Call } from "../transport.ts";
import type { ArenaMemory } from "./arena-memory.ts";
import type { ArenaTexts } from "./arena-texts.ts";
import {
  STATE,
  CALLS,
  SEQUENCE,
  COLLECTIVE,
  GROUP,
  LABEL,
  DESCRIBED,
  WAITS_FOR,
  WAIT_COUNTER,
  WAIT_VALUE,
  WAIT_SERIAL,
  ENDED,
  FAILURE,
  SINCE,
  CALLING,
  WAITING,
  FINISHED,
} from "./status-words.ts";

/** `computing` is between two calls; `waiting` is asleep inside one. */
export type RankState = "computing" | "calling" | "waiting" | "finished" | "failed";

/** What a rank does. */
export interface RankStatus {
  readonly rank: number;
  readonly state: RankState;
  /** The current call, or the last one; absent before the first. */
  readonly call?: {
    readonly group: string;
    readonly collective: CollectiveName;
    readonly label: string;
    readonly sequence: number;
    /** The call in words with its call site, where the rank has published it. */
    readonly description?: string;
  };
  /** World rank that it waits for. */
  readonly waitsFor?: number;
  /** Milliseconds since the epoch at which the state began; absent where not known (`calling`). */
  readonly sinceMs?: number;
}

/** Where a rank sleeps: it goes on once the counter at word `counter` has reached `value`. */
export interface WaitRecord {
  readonly waitsFor: number;
  readonly counter: number;
  readonly value: number;
  /** Grows with every wait, so two equal records mean that the rank did not move in between. */
  readonly serial: number;
  /** Whether it waits for room in a mailbox, which is all that a send waits for. */
  readonly forRoom: boolean;
}

/** Reads everybody's status. */
export class StatusBoard {
  readonly #memory: ArenaMemory;
  readonly #words: Int32Array;
  readonly #texts: ArenaTexts;

  constructor(memory: ArenaMemory, texts: ArenaTexts) {
    this.#memory = memory;
    this.#words = memory.words;
    this.#texts = texts;
  }

  failureOf(rank: number): { readonly kind: FailureKind; readonly text: string } | undefined {
    const code = Atomics.load(this.#words, this.#memory.status(rank) + FAILURE);
    return code === 0
      ? undefined
      : { kind: failureKinds[code - 1]!, text: this.#texts.read("failure", rank) };
  }

  /** Whether `rank` has ended its program. */
  hasEnded(rank: number): boolean {
    return Atomics.load(this.#words, this.#memory.status(rank) + ENDED) === 1;
  }

  /** Where `rank` sleeps, if it does. */
  waitOf(rank: number): WaitRecord | undefined {
    const at = this.#memory.status(rank);
    const serial = Atomics.load(this.#words, at + WAIT_SERIAL);
    if (Atomics.load(this.#words, at + STATE) !== WAITING) return undefined;
    return {
      waitsFor: this.#words[at + WAITS_FOR]!,
      counter: this.#words[at + WAIT_COUNTER]!,
      value: this.#words[at + WAIT_VALUE]!,
      serial,
      forRoom: collectiveNames[this.#words[at + COLLECTIVE]!] === "send",
    };
  }

  /** Group and words of `rank`'s current call, if it has published them. */
  descriptionOf(rank: number): { readonly group: string; readonly text: string } | undefined {
    const at = this.#memory.status(rank);
    const described = Atomics.load(this.#words, at + DESCRIBED);
    if (described === 0 || described !== this.#words[at + CALLS]) return undefined;
    const published = this.#texts.read("description", rank);
    const split = published.indexOf("\n");
    return { group: published.slice(0, split), text: published.slice(split + 1) };
  }

  /** Whether `rank` is inside a call. */
  isInCall(rank: number): boolean {
    const state = Atomics.load(this.#words, this.#memory.status(rank) + STATE);
    return state === CALLING || state === WAITING;
  }

  /** Whether `rank` is inside the same call of the same group. */
  isIn(rank: number, call: Pick<Call, "group" | "sequence">): boolean {
    if (!this.isInCall(rank)) return false;
    const other = this.#callOf(rank);
    return other.group === call.group && other.sequence === call.sequence;
  }

  statusOf(rank: number): RankStatus {
    const at = this.#memory.status(rank);
    const state = this.#stateOf(rank);
    const sinceMs = this.#memory.doubles[(at + SINCE) / 2]!;
    return {
      rank,
      state,
      ...(this.#words[at + CALLS] === 0 ? {} : { call: this.#callOf(rank) }),
      ...(state === "waiting" ? { waitsFor: this.#words[at + WAITS_FOR]! } : {}),
      ...(state === "calling" || sinceMs === 0 ? {} : { sinceMs }),
    };
  }

  #stateOf(rank: number): RankState {
    if (this.failureOf(rank)) return "failed";
    const state = this.#words[this.#memory.status(rank) + STATE]!;
    switch (state) {
      case FINISHED:
        return "finished";
      case WAITING:
        return "waiting";
      case CALLING:
        return "calling";
      default:
        return "computing";
    }
  }

  #callOf(rank: number): NonNullable<RankStatus["call"]> {
    const at = this.#memory.status(rank);
    const description = this.descriptionOf(rank)?.text;
    return {
      group: this.#texts.name(rank, this.#words[at + GROUP]!),
      collective: collectiveNames[this.#words[at + COLLECTIVE]!]!,
      label: this.#texts.name(rank, this.#words[at + LABEL]!),
      sequence: this.#words[at + SEQUENCE]!,
      ...(description === undefined ? {} : { description }),
    };
  }
}
