/**
 * What a rank does about the tensors that a program leaves behind, so that a warm world does not fill up.
 *
 * @packageDocumentation
 */
import { engine, memory, type Tensor } from "@tensorflow/tfjs";
import type { RankRecord } from "./messages.ts";

/** A scope tracks at least so many tensors before dead ones are dropped from its list. */
const MIN_TRACKED = 1024;

/**
 * Runs `body`, then disposes every tensor and variable that it created and left, except those it `tf.keep`-ed.
 * Variables that existed before stay.
 */
export async function releasingTensors<R>(
  body: () => Promise<R>,
): Promise<{ readonly result: R; readonly numTensors: RankRecord["numTensors"] }> {
  const tf = engine();
  const before = memory().numTensors;
  const variables = new Set(Object.keys(tf.state.registeredVariables));
  const depth = tf.state.scopeStack.length;
  tf.startScope("program");
  dropDeadTensors(tf.state.activeScope.track);
  const result = await body();
  const left = memory().numTensors;
  // Also ends scopes that the program opened by hand and forgot.
  while (tf.state.scopeStack.length > depth) tf.endScope();
  for (const [name, variable] of Object.entries(tf.state.registeredVariables)) {
    if (!variables.has(name)) variable.dispose();
  }
  return { result, numTensors: { before, left, after: memory().numTensors } };
}

/**
 * A tfjs scope lists every tensor ever made in it, the disposed ones too, until it ends. A program may make millions
 * outside any `tidy`, so the list is compacted whenever it has doubled.
 */
function dropDeadTensors(track: Tensor[]): void {
  let limit = MIN_TRACKED;
  const push = (...tensors: Tensor[]): number => {
    const length = Array.prototype.push.apply(track, tensors);
    if (length < limit) return length;
    let alive = 0;
    for (const tensor of track) if (!tensor.isDisposed) track[alive++] = tensor;
    track.length = alive;
    limit = Math.max(MIN_TRACKED, 2 * alive);
    return alive;
  };
  Object.defineProperty(track, "push", { value: push });
}
