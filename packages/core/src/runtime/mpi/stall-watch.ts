/**
 * Asks all ranks what they do while some of them wait, until it is clear why, or until they go on.
 *
 * @packageDocumentation
 */
import { explainStall, type StallVerdict } from "../../transport/mpi/explain-stall.ts";
import type { MemberStatus } from "../../transport/mpi/member-status.ts";

/** How long it waits for answers; a process that gives none in this time is said not to answer. */
const ANSWER_MS = 500;

/** Watches over a world from rank 0. */
export class StallWatch {
  readonly #size: number;
  readonly #timeoutMs: number;
  readonly #ask: (question: number) => void;
  readonly #onVerdict: (verdict: StallVerdict) => void;
  #question = 0;
  #answers = new Map<number, MemberStatus>();
  #timer: NodeJS.Timeout | undefined;
  /** The verdict of the round before, and where the ranks were. */
  #suspected = "";

  constructor(
    size: number,
    parts: {
      readonly timeoutMs: number;
      /** Asks all ranks. */
      readonly ask: (question: number) => void;
      readonly onVerdict: (verdict: StallVerdict) => void;
    },
  ) {
    this.#size = size;
    this.#timeoutMs = parts.timeoutMs;
    this.#ask = parts.ask;
    this.#onVerdict = parts.onVerdict;
  }

  /** A rank says that it waits; it says so again while it does. */
  noteWaiting(): void {
    if (this.#timer !== undefined) return;
    this.#answers = new Map();
    this.#timer = setTimeout(() => {
      this.#judge();
    }, ANSWER_MS);
    this.#timer.unref();
    this.#ask(++this.#question);
  }

  noteStatus(question: number, status: MemberStatus): void {
    if (question === this.#question) this.#answers.set(status.worldRank, status);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #judge(): void {
    this.#timer = undefined;
    const statuses = Array.from(
      { length: this.#size },
      (_, worldRank): MemberStatus =>
        this.#answers.get(worldRank) ?? {
          ...{ worldRank, state: "unreachable", calls: -1 },
          ...{ group: [], groupKey: "", arrived: {}, sent: [], received: [] },
        },
    );
    const verdict = explainStall(statuses, this.#timeoutMs);
    const seen = verdict === undefined ? "" : `${verdict.kind} ${statuses.map(({ calls }) => calls).join()}`;
    // The answers are not of one instant: only what is still so in the next round is true.
    const isSure = verdict !== undefined && (verdict.kind === "timeout" || seen === this.#suspected);
    this.#suspected = seen;
    if (isSure) this.#onVerdict(verdict);
  }
}
