/**
 * Progress where there is no terminal: in a file, a pipe, or a build log.
 *
 * @packageDocumentation
 */
import type { TimeLeft } from "./time-left.ts";
import { describeState, type Progress, type ProgressStream, type TrainingState } from "./training-state.ts";

/** One line at the first step, then at most one per `intervalMs`; `stop` prints the last state if it was held back. */
export class ProgressLines implements Progress {
  readonly #steps: number;
  readonly #stream: ProgressStream;
  readonly #estimate: TimeLeft;
  readonly #now: () => number;
  readonly #intervalMs: number;
  #lastLineMs = -Infinity;
  #waiting: string | undefined;

  constructor(
    steps: number,
    stream: ProgressStream,
    options: { readonly estimate: TimeLeft; readonly now: () => number; readonly intervalMs: number },
  ) {
    this.#steps = steps;
    this.#stream = stream;
    this.#estimate = options.estimate;
    this.#now = options.now;
    this.#intervalMs = options.intervalMs;
  }

  update(state: TrainingState): void {
    const line = `step ${state.step}/${this.#steps}  ${describeState(state, this.#estimate.after(state.step))}`;
    const timeMs = this.#now();
    if (timeMs - this.#lastLineMs < this.#intervalMs) {
      this.#waiting = line;
      return;
    }
    this.#lastLineMs = timeMs;
    this.#waiting = undefined;
    this.log(line);
  }

  log(line: string): void {
    this.#stream.write(`${line}\n`);
  }

  stop(): void {
    if (this.#waiting !== undefined) this.log(this.#waiting);
    this.#waiting = undefined;
  }
}
