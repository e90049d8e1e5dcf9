/**
 * How long a training will still take.
 *
 * @packageDocumentation
 */
import { formatDuration } from "./duration.ts";

/** Time left, from the pace since the end of the first step, which also compiles and warms up. */
export class TimeLeft {
  readonly #steps: number;
  readonly #now: () => number;
  #first: { readonly step: number; readonly timeMs: number } | undefined;

  constructor(steps: number, now: () => number) {
    this.#steps = steps;
    this.#now = now;
  }

  /** For example `"1 min 20 s left"`; empty while there is no pace yet, and at the end. */
  after(step: number): string {
    const timeMs = this.#now();
    this.#first ??= { step, timeMs };
    const done = step - this.#first.step;
    if (done === 0 || step >= this.#steps) return "";
    return `${formatDuration(((timeMs - this.#first.timeMs) / done) * (this.#steps - step))} left`;
  }
}
