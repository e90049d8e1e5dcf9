/**
 * How communication fails, whatever the transport. Each is thrown by the rank that waits, on every rank concerned.
 *
 * @packageDocumentation
 */
import { InternalError } from "../errors.ts";

/** Ranks of a group made different calls. The text shows all of them with their call sites. No data was delivered. */
export class CollectiveMismatchError extends Error {
  override readonly name: string = "CollectiveMismatchError";
}

/** A rank did not arrive within `timeoutMs`. The text names it, and says where it is and what it did last. */
export class CollectiveTimeoutError extends Error {
  override readonly name: string = "CollectiveTimeoutError";
}

/** Ranks wait for each other in a circle, so none of them can go on. The text shows the circle. */
export class CollectiveDeadlockError extends Error {
  override readonly name: string = "CollectiveDeadlockError";
}

/** A rank ended its program while others still waited for it. */
export class RankFinishedError extends Error {
  override readonly name: string = "RankFinishedError";
}

/** The world was stopped from outside, because another rank failed or the program was interrupted. */
export class WorldAbortedError extends Error {
  override readonly name: string = "WorldAbortedError";
}

/** Kinds of failure that one rank passes on to those that wait for it. */
export type FailureKind = "mismatch" | "timeout" | "deadlock" | "finished";

/** Every kind; a rank publishes the position in this list plus one. */
export const failureKinds: readonly FailureKind[] = ["mismatch", "timeout", "deadlock", "finished"];

/** The error of one kind. */
export function failureError(kind: FailureKind, text: string): Error {
  switch (kind) {
    case "mismatch":
      return new CollectiveMismatchError(text);
    case "timeout":
      return new CollectiveTimeoutError(text);
    case "deadlock":
      return new CollectiveDeadlockError(text);
    case "finished":
      return new RankFinishedError(text);
    default:
      throw new InternalError(`failure of unknown kind ${String(kind satisfies never)}`);
  }
}
