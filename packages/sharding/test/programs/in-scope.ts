/**
 * `tf.tidy` for results that are not tensors.
 */
import { tidy } from "@tensorflow/tfjs";

/** Runs `body` and disposes every tensor that it made. */
export function inScope<R>(body: () => R): R {
  const results: R[] = [];
  tidy(() => {
    results.push(body());
  });
  return results[0]!;
}
