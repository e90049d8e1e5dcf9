/**
 * The leak check of this folder's tests.
 *
 * @packageDocumentation
 */
import * as tf from "@tensorflow/tfjs";
import { afterEach, beforeEach, expect } from "vitest";

/** Everything that grows when a tensor leaks. */
export interface Counts {
  readonly numTensors: number;
  readonly numBytes: number;
  readonly numDataIds: number;
}

/** The counts now. */
export function countTensors(): Counts {
  const { numTensors, numBytes } = tf.memory();
  return { numTensors, numBytes, numDataIds: tf.backend().numDataIds() };
}

/** Asserts after each test of the file that it left no tensor, byte or data behind, and no tape recording. */
export function checkLeaks(): void {
  let before: Counts;
  beforeEach(() => {
    before = countTensors();
  });
  afterEach(() => {
    expect(countTensors(), "tensors, bytes or data leaked").toEqual(before);
    expect(tf.engine().isTapeOn(), "a tape still records").toBe(false);
  });
}
