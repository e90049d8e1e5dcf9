/**
 * Lets all ranks take their steps as far as they can.
 *
 * @packageDocumentation
 */
import type { StageMessage, Step } from "./communication.ts";

/** How a walk waits, and who watches it. */
export interface WalkOptions {
  /**
   * Messages that may lie between a sender and a receiver (an ordered pair of ranks) before the next send waits. 0: a send
   * waits until the receiver has come to its receive.
   */
  readonly bufferedMessages: number;
  /** Called for every step when it is taken; a step's causes are visited before it. */
  readonly visit?: (rank: number, step: Step) => void;
}

/**
 * `positions[rank]`: the step at which the rank is stuck, or the number of its steps if it came to the end.
 *
 * The order in which ranks are moved does not matter: a rank's next step is fixed, and a step that can be taken stays so.
 * So a walk that ends early proves that every run of these steps does.
 */
export function walkSteps(steps: readonly (readonly Step[])[], options: WalkOptions): readonly number[] {
  const walk = new Walk(steps, options);
  let hasMoved = true;
  while (hasMoved) hasMoved = steps.map((_, rank) => walk.move(rank)).includes(true);
  return walk.positions;
}

class Walk {
  readonly positions: number[];
  readonly #steps: readonly (readonly Step[])[];
  readonly #options: WalkOptions;
  /** Tags of messages that were sent and not received. */
  readonly #underway = new Set<number>();
  /** How many those are, per ordered pair of ranks. */
  readonly #queued: Int32Array;

  constructor(steps: readonly (readonly Step[])[], options: WalkOptions) {
    this.positions = steps.map(() => 0);
    this.#steps = steps;
    this.#options = options;
    this.#queued = new Int32Array(steps.length ** 2);
  }

  /** Takes the steps of one rank until it is stuck or done; whether it took any. */
  move(rank: number): boolean {
    const before = this.positions[rank]!;
    for (;;) {
      const step = this.#steps[rank]![this.positions[rank]!];
      if (step === undefined || !this.#isPossible(step)) return this.positions[rank]! > before;
      this.#take(step);
      this.#options.visit?.(rank, step);
      this.positions[rank]!++;
    }
  }

  #isPossible(step: Step): boolean {
    if (step.kind === "action") return true;
    const { message } = step;
    if (step.kind === "receive") return this.#underway.has(message.tag);
    const { bufferedMessages } = this.#options;
    return bufferedMessages === 0
      ? this.#isAwaited(message)
      : this.#queued[this.#pair(message)]! < bufferedMessages;
  }

  #isAwaited({ to, tag }: StageMessage): boolean {
    const step = this.#steps[to]![this.positions[to]!];
    return step?.kind === "receive" && step.message.tag === tag;
  }

  #take(step: Step): void {
    if (step.kind === "action") return;
    const { message } = step;
    if (step.kind === "send") this.#underway.add(message.tag);
    else this.#underway.delete(message.tag);
    this.#queued[this.#pair(message)]! += step.kind === "send" ? 1 : -1;
  }

  #pair({ from, to }: StageMessage): number {
    return from * this.#steps.length + to;
  }
}
