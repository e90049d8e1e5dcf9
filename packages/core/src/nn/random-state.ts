/**
 * The state of everything that draws random numbers, to save and restore it.
 *
 * Values of our own layers depend on (seed, name, number of the call, element) alone, so the numbers of the next calls are
 * all their state. What tfjs draws comes from the rank's seeded `Math.random`.
 *
 * @packageDocumentation
 */
import type { CallCounter } from "../autograd/capture-tape.ts";
import type { RandomRecord } from "../checkpoint/checkpoint-index.ts";
import { isSeededRandom } from "../runtime/seeded-random.ts";
import { walk } from "./module.ts";

/** The state of the random layers below `model` and of this rank's `Math.random`. */
export function randomState(model: object): RandomRecord {
  const callIndices = Object.fromEntries(
    [...callCounters(model)].map(([path, { callIndex }]) => [path, callIndex]),
  );
  const { random } = Math;
  return { callIndices, mathRandom: isSeededRandom(random) ? random.state() : null };
}

/** Goes on from a saved state. Layers that it does not name stay as they are. */
export function restoreRandomState(model: object, { callIndices, mathRandom }: RandomRecord): void {
  for (const [path, counter] of callCounters(model)) {
    const saved = callIndices[path];
    if (saved !== undefined) counter.callIndex = saved;
  }
  const { random } = Math;
  if (mathRandom !== null && isSeededRandom(random)) random.restore(mathRandom);
}

function callCounters(model: object): ReadonlyMap<string, CallCounter> {
  const found = new Map<string, CallCounter>();
  walk(model, (node, path) => {
    if (isCallCounter(node)) found.set(path, node);
  });
  return found;
}

function isCallCounter(node: object): node is CallCounter {
  return "callIndex" in node && typeof node.callIndex === "number";
}
