/**
 * Progress of a training: a bar on a terminal, a plain line now and then elsewhere.
 *
 * @packageDocumentation
 */
import { ProgressBar } from "./progress-bar.ts";
import { ProgressLines } from "./progress-lines.ts";
import { TimeLeft } from "./time-left.ts";
import type { Progress, ProgressStream } from "./training-state.ts";

/** How progress is shown. */
export interface ProgressOptions {
  /** Steps of the whole training. */
  readonly steps: number;
  /** `false`: nothing is shown but the lines of `log` (default `true`). */
  readonly enabled?: boolean;
  /** Default `process.stderr`, so that stdout holds results only. */
  readonly stream?: ProgressStream;
  /** Where there is no terminal: the least time between two lines (default 2,000). */
  readonly intervalMs?: number;
  /** A clock in milliseconds (default `performance.now`). */
  readonly now?: () => number;
}

/**
 * Starts to show progress. The terminal is restored by `stop`, when the process exits, and on SIGINT, SIGTERM and SIGHUP.
 *
 * @example
 * ```ts
 * const progress = createProgress({ steps: 200 });
 * progress.update({ step: 1, loss: 4.41, tokensPerSecond: 5300 });
 * progress.stop(); // step 1/200  loss 4.410  5,300 tokens/s
 * ```
 */
export function createProgress(options: ProgressOptions): Progress {
  const stream = options.stream ?? process.stderr;
  const now = options.now ?? (() => performance.now());
  if (options.enabled === false) return new Silence(stream);
  const estimate = new TimeLeft(options.steps, now);
  if (stream.isTTY === true) return new ProgressBar(options.steps, stream, estimate);
  return new ProgressLines(options.steps, stream, { estimate, now, intervalMs: options.intervalMs ?? 2000 });
}

class Silence implements Progress {
  readonly #stream: ProgressStream;

  constructor(stream: ProgressStream) {
    this.#stream = stream;
  }

  update(): void {
    // Nothing is shown.
  }

  log(line: string): void {
    this.#stream.write(`${line}\n`);
  }

  stop(): void {
    // Nothing to restore.
  }
}
