/**
 * Numbers the calls of a random layer, so that a recomputed call has the number of the first.
 *
 * @packageDocumentation
 */
import { activeCapture, type CallCounter } from "./capture-tape.ts";

/**
 * The number of this call, counting up. Inside a `checkpoint`, the number is noted, and the recomputation of the call
 * gets it again.
 *
 * Every layer that draws random numbers takes the key of a call from here; the counter is a field of the layer.
 *
 * @example
 * ```ts
 * const key = philoxKey({ seed: this.seed, name: `${this.name}#${nextCallIndex(this)}` });
 * ```
 */
export function nextCallIndex(counter: CallCounter): number {
  activeCapture()?.note(counter);
  return counter.callIndex++;
}

/** Runs `body` with the counters set to `starts`, and sets them back. */
export function replayCalls<R>(starts: ReadonlyMap<CallCounter, number>, body: () => R): R {
  const before = new Map<CallCounter, number>();
  for (const [counter, start] of starts) {
    before.set(counter, counter.callIndex);
    counter.callIndex = start;
  }
  try {
    return body();
  } finally {
    for (const [counter, callIndex] of before) counter.callIndex = callIndex;
  }
}
