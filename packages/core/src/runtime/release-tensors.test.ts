import { engine, keep, memory, scalar, setBackend, tidy, variable } from "@tensorflow/tfjs";
import { beforeAll, expect, test } from "vitest";
import { releasingTensors } from "./release-tensors.ts";

beforeAll(() => setBackend("cpu"));

test("tensors and variables of the body are released, earlier and kept ones stay", async () => {
  const earlier = variable(scalar(1), true, "earlier");
  const before = memory().numTensors;
  const { result, numTensors } = await releasingTensors(() => {
    const left = scalar(2);
    const kept = keep(scalar(3));
    const later = variable(scalar(4), true, "later");
    return Promise.resolve({ left, kept, later });
  });
  expect(numTensors).toEqual({ before, left: before + 4, after: before + 1 });
  expect([result.left.isDisposed, result.kept.isDisposed, result.later.isDisposed]).toEqual([
    true,
    false,
    true,
  ]);
  expect(earlier.isDisposed).toBe(false);
  result.kept.dispose();
  earlier.dispose();
});

test("scopes that the body forgot to end are ended, and those around it are not", async () => {
  const tf = engine();
  tf.startScope("around");
  const depth = tf.state.scopeStack.length;
  const { numTensors } = await releasingTensors(() => {
    tf.startScope("forgotten");
    scalar(1);
    return Promise.resolve();
  });
  expect(numTensors.after).toBe(numTensors.before);
  expect(tf.state.scopeStack.length).toBe(depth);
  tf.endScope();
});

test("the list of a long-running program does not grow with the tensors it disposed", async () => {
  let longest = 0;
  const { numTensors } = await releasingTensors(() => {
    const survivors = Array.from({ length: 3 }, () => scalar(0));
    for (let step = 0; step < 5000; step++) {
      scalar(step).dispose();
      tidy(() => scalar(step)).dispose();
      longest = Math.max(longest, engine().state.activeScope.track.length);
    }
    expect(survivors.every(({ isDisposed }) => !isDisposed)).toBe(true);
    return Promise.resolve();
  });
  expect(longest).toBe(1023);
  expect(numTensors.after).toBe(numTensors.before);
});
