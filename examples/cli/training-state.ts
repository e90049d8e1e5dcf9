/**
 * Where a training stands, and what shows it.
 *
 * @packageDocumentation
 */

/** Where a training stands. */
export interface TrainingState {
  /** Finished steps, 1..steps. */
  readonly step: number;
  /** Loss of the last step, in nats per token. */
  readonly loss: number;
  readonly tokensPerSecond: number;
}

/** Shows how far a training has come. */
export interface Progress {
  update(state: TrainingState): void;
  /** Prints a line of its own, for example a validation loss; on a terminal it appears above the bar. */
  log(line: string): void;
  /** Shows the last state and gives the terminal back. Calls after the first do nothing. */
  stop(): void;
}

/** The part of a stream that progress needs; `process.stderr` is one. */
export type ProgressStream = NodeJS.WritableStream & { readonly isTTY?: boolean };

/** For example `"loss 4.410  5,300 tokens/s  1 min 20 s left"`. */
export function describeState({ loss, tokensPerSecond }: TrainingState, timeLeft: string): string {
  const pace = Math.round(tokensPerSecond).toLocaleString("en-US");
  return [`loss ${loss.toFixed(3)}`, `${pace} tokens/s`, timeLeft].filter((part) => part !== "").join("  ");
}
