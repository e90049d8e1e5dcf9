/**
 * What one rank tells the others about itself, on the status board.
 *
 * @packageDocumentation
 */
import { collectiveNames } from "../../collectives/ledger.ts";
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
  COMPUTING,
  CALLING,
  WAITING,
  FINISHED,
} from "./status-words.ts";

/** Writes one rank's status. */
export class OwnStatus {
  readonly #memory: ArenaMemory;
  readonly #words: Int32Array;
  readonly #texts: ArenaTexts;
  readonly #own: number;

  constructor(memory: ArenaMemory, rank: number, texts: ArenaTexts) {
    this.#memory = memory;
    this.#words = memory.words;
    this.#texts = texts;
    this.#own = memory.status(rank);
    this.#setSince();
  }

  beginCall(call: Call): void {
    const words = this.#words;
    const own = this.#own;
    words[own + STATE] = CALLING;
    words[own + SEQUENCE] = call.sequence;
    words[own + COLLECTIVE] = collectiveNames.indexOf(call.collective);
    words[own + GROUP] = this.#texts.nameId(call.group);
    words[own + LABEL] = this.#texts.nameId(call.label);
    words[own + CALLS] = (words[own + CALLS]! + 1) | 0;
    if (call.describeEarly) this.publishDescription(call);
  }

  endCall(): void {
    this.#words[this.#own + STATE] = COMPUTING;
    this.#setSince();
  }

  beginWait(waitsFor: number, counter: number, value: number): void {
    const words = this.#words;
    const own = this.#own;
    words[own + WAITS_FOR] = waitsFor;
    words[own + WAIT_COUNTER] = counter;
    words[own + WAIT_VALUE] = value;
    this.#setSince();
    // The serial is stored last: who reads it sees the record that belongs to it.
    Atomics.add(words, own + WAIT_SERIAL, 1);
    Atomics.store(words, own + STATE, WAITING);
  }

  endWait(): void {
    // Before anything that the wait was for: a reader must not take a moving rank for a sleeping one.
    Atomics.store(this.#words, this.#own + STATE, CALLING);
  }

  /** Says what the current call is, in words. */
  publishDescription(call: Call): void {
    this.#texts.write("description", `${call.group}\n${call.describe()}`);
    // After the text: who sees the number may read it.
    Atomics.store(this.#words, this.#own + DESCRIBED, this.#words[this.#own + CALLS]!);
  }

  publishFailure(kind: FailureKind, text: string): void {
    this.#texts.write("failure", text);
    // After the text: who sees the kind may read it.
    Atomics.store(this.#words, this.#own + FAILURE, failureKinds.indexOf(kind) + 1);
  }

  publishFinish(): void {
    // After a failure the call that failed stays on the board.
    if (Atomics.load(this.#words, this.#own + FAILURE) === 0) {
      this.#words[this.#own + STATE] = FINISHED;
      this.#setSince();
    }
    // After all that the rank has sent: who sees the end also sees its last signal.
    Atomics.store(this.#words, this.#own + ENDED, 1);
  }

  #setSince(): void {
    this.#memory.doubles[(this.#own + SINCE) / 2] = Date.now();
  }
}
