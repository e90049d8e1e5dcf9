import { startEngine } from "@meshwright/core";
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { groupedGeluMLP, groupedSwiGLUMLP } from "./grouped-mlp.ts";

const [D, F] = [3, 5];
/** The second of three experts has no rows. */
const COUNTS = Int32Array.of(2, 0, 4);
const [N, EXPERTS] = [6, COUNTS.length];

beforeAll(() => startEngine());

function values(shape: number[], seed: number): tf.Tensor {
  const size = shape.reduce((product, length) => product * length, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, (_, i) => Math.sin(seed + 1.7 * i)),
    shape,
  );
}

function matrix(w: tf.Tensor, expert: number): tf.Tensor {
  const [, rows, columns] = w.shape as [number, number, number];
  return tf.reshape(tf.slice(w, [expert, 0, 0], [1, rows, columns]), [rows, columns]);
}

/** One expert after another, on its rows. */
function oneByOne(x: tf.Tensor, network: (rows: tf.Tensor, expert: number) => tf.Tensor): tf.Tensor {
  const first = network(tf.slice(x, [0, 0], [2, D]), 0);
  return tf.concat([first, network(tf.slice(x, [2, 0], [4, D]), 2)]);
}

function gelu(x: tf.Tensor): tf.Tensor {
  const cube = tf.mul(x, tf.mul(x, x));
  const inner = tf.mul(Math.sqrt(2 / Math.PI), tf.add(x, tf.mul(0.044715, cube)));
  return tf.mul(tf.mul(0.5, x), tf.add(1, tf.tanh(inner)));
}

type Network = (x: tf.Tensor, up: tf.Tensor, down: tf.Tensor, gate: tf.Tensor) => tf.Tensor;

const NETWORKS: Readonly<Record<string, { readonly grouped: Network; readonly dense: Network }>> = {
  GELU: {
    grouped: (x, up, down) => groupedGeluMLP(x, { up, down }, { counts: COUNTS }),
    dense: (x, up, down) =>
      oneByOne(x, (rows, e) => tf.matMul(gelu(tf.matMul(rows, matrix(up, e))), matrix(down, e))),
  },
  SwiGLU: {
    grouped: (x, up, down, gate) => groupedSwiGLUMLP(x, { gate, up, down }, { counts: COUNTS }),
    dense: (x, up, down, gate) =>
      oneByOne(x, (rows, e) => {
        const gated = tf.matMul(rows, matrix(gate, e));
        const hidden = tf.mul(tf.mul(gated, tf.sigmoid(gated)), tf.matMul(rows, matrix(up, e)));
        return tf.matMul(hidden, matrix(down, e));
      }),
  },
};

describe.each(Object.entries(NETWORKS))("grouped %s experts", (name, { grouped, dense }) => {
  test("equal one expert after another, value and all gradients, and leave nothing", () => {
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      const shapes = [
        [N, D],
        [EXPERTS, D, F],
        [EXPERTS, F, D],
        [EXPERTS, D, F],
      ];
      const used = name === "GELU" ? 3 : 4;
      const inputs = shapes.slice(0, used).map((shape, i) => values(shape, i));
      const run = (network: Network, all: readonly tf.Tensor[]): tf.Tensor =>
        network(all[0]!, all[1]!, all[2]!, all[3] ?? all[1]!);
      const dy = values([N, D], 7);
      const found = [run(grouped, inputs), ...tf.grads((...all) => run(grouped, all))(inputs, dy)];
      const expected = [run(dense, inputs), ...tf.grads((...all) => run(dense, all))(inputs, dy)];
      expect(found).toHaveLength(used + 1);
      found.forEach((tensor, i) => {
        expect(tensor.shape).toEqual(expected[i]!.shape);
        const largest = Math.max(...tf.abs(expected[i]!).dataSync());
        const difference = Math.max(...tf.abs(tf.sub(tensor, expected[i]!)).dataSync());
        // Fast activations of the engine differ from composed ones by a few units in the last place.
        expect(difference / largest).toBeLessThan(1e-5);
      });
      const unused = tf.slice(found[2]!, [1, 0, 0], [1, D, F]).dataSync();
      expect(unused.every((value) => value === 0)).toBe(true);
    });
    expect(tf.memory().numTensors).toBe(before);
  });
});

test("experts without any rows have gradient 0", () => {
  tf.tidy(() => {
    const counts = new Int32Array(EXPERTS);
    const inputs = [
      tf.zeros([0, D]),
      values([EXPERTS, D, F], 1),
      values([EXPERTS, F, D], 2),
      values([EXPERTS, D, F], 3),
    ];
    const gradients = tf.grads((...all: tf.Tensor[]) => {
      const [x, up, down, gate] = all as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
      const gelus = groupedGeluMLP(x, { up, down }, { counts });
      return tf.add(gelus, groupedSwiGLUMLP(x, { gate, up, down }, { counts }));
    })(inputs, tf.zeros([0, D]));
    expect(gradients.map(({ shape }) => shape)).toEqual(inputs.map(({ shape }) => shape));
    gradients.forEach((gradient) => {
      expect(gradient.dataSync().every((value) => value === 0)).toBe(true);
    });
  });
});
