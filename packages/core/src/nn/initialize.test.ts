import * as tf from "@tensorflow/tfjs";
import { createHash } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import { useTestEngine } from "../../test/golden/test-engine.ts";
import { fillNormal } from "../random/fill.ts";
import { wholeRegion } from "../random/region.ts";
import { initialize } from "./initialize.ts";
import { Linear } from "./linear.ts";
import { countParameters } from "./count-parameters.ts";
import { parameterHash } from "./parameter-hash.ts";
import { Parameter, type ParameterShard } from "./parameter.ts";

beforeAll(() => useTestEngine("cpu"));

/** A shard whose "global" tensor is its local values in a field of NaN. */
function columnShard(start: number, columns: number): ParameterShard & { received: number[] } {
  const shape = [4, 6];
  return {
    received: [],
    localShape: [4, columns],
    offset: [0, start],
    fromLocal(values) {
      this.received.push(...values);
      const local = tf.tensor(values, [4, columns]);
      const padded = tf.pad(local, [[0, 0], [start, 6 - start - columns]], NaN); // prettier-ignore
      local.dispose();
      return padded;
    },
    readLocal: (value) => tf.slice(value, [0, start], [4, columns]).dataSync<"float32">(),
    readFull: () => {
      const full = new Float32Array(24);
      fillNormal(full, { seed: 5, name: "w", ...wholeRegion(shape), std: 0.5 });
      return full;
    },
  };
}

const initializer = { kind: "normal", std: 0.5 } as const;

describe("initialize", () => {
  test("fills by (seed, name, index): the same again, another for another seed or name", () => {
    const filled = (seed: number, name: string): number[] => {
      const parameter = new Parameter({ shape: [3, 5], initializer });
      initialize({ [name]: parameter }, { seed });
      const values = [...parameter.variable.dataSync()];
      parameter.dispose();
      return values;
    };
    expect(filled(1, "a")).toEqual(filled(1, "a"));
    expect(filled(1, "a")).not.toEqual(filled(2, "a"));
    expect(filled(1, "a")).not.toEqual(filled(1, "b"));
  });

  test("follows each kind of initializer", () => {
    const model = {
      zeros: new Parameter({ shape: [2], initializer: { kind: "zeros" } }),
      ones: new Parameter({ shape: [3], initializer: { kind: "ones" } }),
      uniform: new Parameter({ shape: [400], initializer: { kind: "uniform", bound: 0.25 } }),
    };
    initialize(model, { seed: 1 });
    expect([...model.zeros.variable.dataSync()]).toEqual([0, 0]);
    expect([...model.ones.variable.dataSync()]).toEqual([1, 1, 1]);
    const uniform = model.uniform.variable.dataSync();
    expect(Math.max(...uniform.map(Math.abs))).toBeLessThanOrEqual(0.25);
    expect(Math.max(...uniform)).toBeGreaterThan(0.23);
    expect(Math.min(...uniform)).toBeLessThan(-0.23);
  });

  test("leaves parameters alone that have values", () => {
    const parameter = new Parameter({ shape: [2], initializer });
    parameter.assign(tf.tensor1d([7, 8]));
    initialize({ parameter }, { seed: 1 });
    expect([...parameter.variable.dataSync()]).toEqual([7, 8]);
  });

  test("fills only those asked for, with the values they have when all are filled", () => {
    const make = () => ({
      a: { w: new Parameter({ shape: [3], initializer }), apply: tf.clone },
      b: { w: new Parameter({ shape: [5], initializer }), apply: tf.clone },
    });
    const [all, some] = [make(), make()];
    initialize(all, { seed: 4 });
    initialize(some, { seed: 4, only: (name, { shape }) => name === "b.w" && shape[0] === 5 });
    expect(some.a.w.isInitialized).toBe(false);
    expect([...some.b.w.variable.dataSync()]).toEqual([...all.b.w.variable.dataSync()]);
  });

  test("gives a shard the bits of its slice, and leaks nothing", () => {
    const whole = new Parameter({ shape: [4, 6], initializer });
    initialize({ w: whole }, { seed: 5 });
    const before = tf.memory().numTensors;
    const shard = columnShard(1, 3);
    const split = new Parameter({ shape: [4, 6], initializer, shard });
    initialize({ w: split }, { seed: 5 });
    expect(tf.memory().numTensors).toBe(before + 1);
    expect(shard.received).toEqual([...tf.slice(whole.variable, [0, 1], [4, 3]).dataSync()]);
    expect(parameterHash({ w: split })).toBe(parameterHash({ w: whole }));
  });
});

describe("parameterHash and countParameters", () => {
  test("the hash is SHA-256 of the documented bytes, in order of names", () => {
    const model = {
      b: new Parameter({ shape: [1, 2], initializer }),
      a: new Parameter({ shape: [1], initializer }),
    };
    model.b.assign(tf.tensor2d([[1, -2]]));
    model.a.assign(tf.tensor1d([0.5]));
    const hash = createHash("sha256").update("a [1]\n").update(Buffer.from("0000003f", "hex"));
    hash.update("b [1,2]\n").update(Buffer.from("0000803f000000c0", "hex"));
    expect(parameterHash(model)).toBe(hash.digest("hex"));
  });

  test("the count needs no values", () => {
    expect(countParameters([new Linear({ inFeatures: 3, outFeatures: 5 }), new Linear({ inFeatures: 5, outFeatures: 2 })])).toBe(32); // prettier-ignore
  });
});
