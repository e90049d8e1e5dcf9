import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import type { Engine } from "../engine.ts";
import { startEngine } from "../start.ts";
import { withoutLeak } from "../testing/check.ts";

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine({ prefer: "wasm" });
});

describe("Identity on wasm", () => {
  test.each(["float32", "int32", "bool"] as const)("a clone of %s shares the elements", (dtype) => {
    withoutLeak(() => {
      const x = tf.tensor([1, 0, 1], [3], dtype);
      const clone = x.clone();
      expect(engine.view(clone).byteOffset).toBe(engine.view(x).byteOffset);
      x.dispose();
      expect([...clone.dataSync()]).toEqual([1, 0, 1]);
      clone.dispose();
    });
  });

  test("strings and complex numbers are cloned as tfjs does", () => {
    expect(tf.tensor(["a", "bc"]).clone().dataSync()).toEqual(["a", "bc"]);
    expect([...tf.complex([1, 2], [3, 4]).clone().dataSync()]).toEqual([1, 3, 2, 4]);
  });

  test("a variable that is assigned does not change its clone", () => {
    const variable = tf.variable(tf.tensor1d([1, 2]));
    const clone = variable.clone();
    variable.assign(tf.tensor1d([3, 4]));
    expect([...clone.dataSync()]).toEqual([1, 2]);
    tf.dispose([variable, clone]);
  });
});
