import { dirname } from "node:path";
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import type { Engine } from "../engine.ts";
import { startEngine } from "../start.ts";
import { withoutLeak } from "../testing/check.ts";
import { registerTensorflowKernels } from "../tensorflow-kernels/all.ts";
import { canLend } from "./lent-memory.ts";
import { locateNativeParts } from "./locate.ts";

const [parts] = locateNativeParts().parts;

describe.skipIf(parts === undefined)("memory of the tensorflow engine", () => {
  let engine: Engine;
  let isLending = false;

  beforeAll(async () => {
    engine = await startEngine({ prefer: "tensorflow" });
    const folder = dirname(parts!.addon);
    isLending = canLend(registerTensorflowKernels("tensorflow", tf.backend(), { folder }));
  });

  /** With many elements, which are lent, and with few, which are copied. */
  const SHAPES = [[300, 401], [5, 3]] as const; // prettier-ignore
  const DTYPES = ["float32", "int32", "bool"] as const;

  test.each(SHAPES)("is written by fill and read by view and by operations, [%i, %i]", (rows, columns) => {
    withoutLeak(() => {
      for (const dtype of DTYPES) {
        const made = tf.engine().makeTensorFromTensorInfo(
          engine.create([rows, columns], dtype, (out) => {
            out.forEach((_, i) => (out[i] = i % 7 === 0 ? 1 : 0));
          }),
        );
        expect(engine.view(made)).toHaveLength(rows * columns);
        expect([...engine.view(made).subarray(6, 9)]).toEqual([0, 1, 0]);
        const count = tf.sum(tf.cast(made, "float32"));
        expect(count.dataSync()[0]).toBe(Math.ceil((rows * columns) / 7));
        const negated = tf.sub(1, tf.cast(made, "float32"));
        expect([...engine.view(negated).subarray(6, 9)]).toEqual([1, 0, 1]);
        tf.dispose([made, count, negated]);
      }
    });
  });

  test("is not copied where there is much of it, in whatever shape", () => {
    if (!isLending) return;
    withoutLeak(() => {
      const x = tf.add(tf.ones([300, 401]), 1);
      const before = engine.view(x);
      const reshaped = x.reshape([401, 300]);
      const after = engine.view(reshaped);
      expect(after.buffer === before.buffer).toBe(true);
      expect(after.byteOffset).toBe(before.byteOffset);
      tf.dispose([x, reshaped]);
    });
  });

  test("is seen through few buffers, however many tensors there were", () => {
    if (!isLending) return;
    const buffers = new Set<ArrayBufferLike>();
    for (let step = 0; step < 200; step++) {
      const x = tf.fill([300, 401], step);
      const values = engine.view(x);
      expect(values[300 * 401 - 1]).toBe(step);
      buffers.add(values.buffer);
      x.dispose();
    }
    expect(buffers.size).toBeLessThan(10);
  });

  test("is freed where fill throws", () => {
    const data = tf.engine().backend.numDataIds();
    const failing = (): void => {
      engine.create([300, 401], "float32", () => {
        throw new RangeError("no values");
      });
    };
    expect(failing).toThrow("no values");
    expect(tf.engine().backend.numDataIds()).toBe(data);
  });
});
