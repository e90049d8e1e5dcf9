/**
 * Finds ranks that wait for each other in a circle.
 *
 * @packageDocumentation
 */
import type { StatusBoard } from "./status-board.ts";

/** A circle of sleeping ranks. */
export interface SleepingCircle {
  /** World ranks; each waits for the next one, the last for the first. */
  readonly ranks: readonly number[];
  /** Two circles with the same key are the same ranks in the very same waits: none of them moved in between. */
  readonly key: string;
}

/**
 * The circle that `rank` is in, or `undefined`. Every rank in it sleeps, and what it waits for has not happened; but as
 * the ranks are looked at one after the other, only a circle found twice with the same key is a deadlock.
 */
export function sleepingCircle(
  rank: number,
  board: Pick<StatusBoard, "waitOf">,
  words: Int32Array,
): SleepingCircle | undefined {
  const ranks: number[] = [];
  let key = "";
  for (let at = rank; !ranks.includes(at);) {
    const wait = board.waitOf(at);
    if (!wait) return undefined;
    // Waiting for room in a mailbox ends by itself: its receiver takes messages out even while it is blocked.
    if (wait.forRoom) return undefined;
    // Fulfilled: the rank is about to wake up.
    if (((Atomics.load(words, wait.counter) - wait.value) | 0) >= 0) return undefined;
    ranks.push(at);
    key += `${at}:${wait.serial} `;
    at = wait.waitsFor;
    if (at === rank) return { ranks, key };
  }
  // The chain ends in a circle that does not hold `rank`; its members report it.
  return undefined;
}
