import * as tf from "@tensorflow/tfjs";
import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import { useTestEngine } from "../../test/golden/test-engine.ts";
import { ContractError } from "../errors.ts";
import { rotaryEmbedding } from "./rotary-embedding.ts";

beforeAll(() => useTestEngine("cpu"));

const FREQUENCIES = [1, 0.1, 0.01];

function turned(x: tf.Tensor, positions: readonly number[]): tf.Tensor {
  return rotaryEmbedding(x, { positions: tf.tensor1d([...positions], "int32"), frequencies: FREQUENCIES });
}

test("the first pair at position 1 turns by one radian, and position 0 stays", () => {
  const x = tf.tensor2d([1, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6], [2, 6]);
  const y = [...turned(x, [1, 0]).dataSync()];
  expect(y[0]).toBeCloseTo(Math.cos(1), 6);
  expect(y[3]).toBeCloseTo(Math.sin(1), 6);
  expect(y.slice(6)).toEqual([1, 2, 3, 4, 5, 6]);
});

test("keeps lengths, and a product of two rows depends on the distance of their positions only", () => {
  const position = fc.integer({ min: -50, max: 5000 });
  fc.assert(
    fc.property(position, position, fc.integer({ min: -40, max: 40 }), (at, shift, distance) => {
      tf.tidy(() => {
        const [q, k] = [1, 2].map((seed) => tf.randomUniform([1, 6], -1, 1, "float32", seed));
        const product = (from: number): number =>
          tf.sum(tf.mul(turned(q!, [from]), turned(k!, [from + distance]))).dataSync()[0]!;
        expect(product(at)).toBeCloseTo(product(at + shift), 5);
        const length = (x: tf.Tensor): number => tf.norm(x).dataSync()[0]!;
        expect(length(turned(q!, [at]))).toBeCloseTo(length(q!), 5);
      });
    }),
    { numRuns: 50, seed: 1 },
  );
});

test("the gradient turns back, per row, in any order of positions and with leading dims", () => {
  const before = tf.memory().numTensors;
  tf.tidy(() => {
    const positions = [7, 0, 3];
    const x = tf.randomUniform([2, 3, 6], -1, 1, "float32", 3);
    const dy = tf.randomUniform([2, 3, 6], -1, 1, "float32", 4);
    const { value, grad } = tf.valueAndGrad((t: tf.Tensor) => turned(t, positions))(x, dy);
    const back = turned(
      dy,
      positions.map((at) => -at),
    );
    expect([...grad.dataSync()]).toEqual([...back.dataSync()]);
    const row = turned(tf.slice(x, [1, 2, 0], [1, 1, 6]), [3]);
    expect([...tf.slice(value, [1, 2, 0], [1, 1, 6]).dataSync()]).toEqual([...row.dataSync()]);
  });
  expect(tf.memory().numTensors).toBe(before);
});

test("refuses features that are not two per frequency, and positions that are not one per row", () => {
  expect(() => turned(tf.zeros([2, 5]), [0, 1])).toThrow(
    new ContractError(
      "rotaryEmbedding: x (shape [2, 5]) must have shape [..., T, 6], two features per frequency (3); use rotaryFrequencies of the head's features.",
    ),
  );
  expect(() => turned(tf.zeros([6]), [])).toThrow(
    "rotaryEmbedding: x (shape [6]) must have shape [..., T, 6]",
  );
  expect(() => turned(tf.zeros([2, 6]), [0])).toThrow(
    new ContractError(
      "rotaryEmbedding: positions (shape [1]) must have shape [2], one per row of x; use matching sizes.",
    ),
  );
});
