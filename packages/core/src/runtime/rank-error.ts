/**
 * The error of one rank, as the caller of a run sees it.
 *
 * @packageDocumentation
 */
import { describeThrown } from "./error-record.ts";

/**
 * A rank threw, called `process.exit`, or its thread died. `cause` is what happened there, with the name, message,
 * stack and fields it had on the rank.
 */
export class RankError extends Error {
  override readonly name: string = "RankError";
  /** The rank whose failure ended the run. */
  readonly rank: number;

  constructor(rank: number, cause: unknown) {
    super(`rank ${rank} failed: ${describeThrown(cause)}`, { cause });
    this.rank = rank;
    // Where the main thread heard of it says nothing; the cause has the rank's own stack.
    this.stack = `${this.name}: ${this.message}`;
  }
}

/** The program called `process.exit` on a rank. The stack shows where. */
export class RankExitError extends Error {
  override readonly name: string = "RankExitError";
  /** What `process.exit` was called with. */
  readonly exitCode: number;

  constructor(exitCode: number) {
    super(`the program called process.exit(${exitCode})`);
    this.exitCode = exitCode;
  }
}
