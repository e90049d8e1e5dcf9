/**
 * Fused kernels against the reference kernels, which compute in float64: part of the suite that every engine passes.
 *
 * @packageDocumentation
 */
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { referenceKernels } from "../../kernels/register.ts";
import type { Engine, EngineName } from "../engine.ts";
import { startEngine } from "../start.ts";
import { expectClose, withoutLeak } from "../testing/check.ts";
import { seeded, seededTensor } from "../testing/seeded.ts";

let engine: Engine;

type Inputs = Readonly<Record<string, tf.Tensor>>;

/** The engine's kernel and the float64 reference kernel on the same inputs, one pair per output. */
function both(kernelName: string, inputs: Inputs, attrs: tf.NamedAttrMap = {}): [tf.Tensor, tf.Tensor][] {
  const list = (found: tf.Tensor | tf.Tensor[]): tf.Tensor[] => (Array.isArray(found) ? found : [found]);
  const fast = list(tf.engine().runKernel<tf.Tensor | tf.Tensor[]>(kernelName, inputs, attrs));
  const { kernelFunc } = referenceKernels.find((kernel) => kernel.kernelName === kernelName)!;
  const found = kernelFunc(engine)({ inputs, attrs, backend: tf.backend() });
  const slow = (Array.isArray(found) ? found : [found]).map((info) =>
    tf.engine().makeTensorFromTensorInfo(info),
  );
  expect(fast).toHaveLength(slow.length);
  return fast.map((tensor, i) => [tensor, slow[i]!]);
}

function expectSame(
  pairs: readonly [tf.Tensor, tf.Tensor][],
  tolerance: { readonly relative?: number; readonly absolute?: number } = {},
): void {
  for (const [got, want] of pairs)
    expectClose(got, { shape: want.shape, values: want.dataSync() }, tolerance);
}

/** Odd sizes, tails of 1 to 3, one row, one column, more than one block of rows and of columns, nothing. */
const ROWS: readonly number[][] = [
  [1, 1],
  [3, 7],
  [2, 3, 5],
  [37, 18],
  [5, 523],
  [1, 300],
  [0, 4],
];

/** Every test below, on the engine that this thread then has. */
export function describeFused(prefer: EngineName): void {
  describe(`fused kernels on ${prefer} equal the float64 reference`, () => {
    beforeAll(async () => {
      engine = await startEngine({ prefer });
    });

    describe("normalisations", () => {
      test.each(ROWS)("LayerNorm and its gradient on [%s, %s, %s]", (...dims) => {
        withoutLeak(() => {
          const shape = dims.filter((dim) => typeof dim === "number");
          const features = shape.at(-1)!;
          const x = seededTensor(shape, 1, [2, 5]);
          const [gamma, beta] = [seededTensor([features], 2), seededTensor([features], 3)];
          const pairs = both("LayerNorm", { x, gamma, beta }, { epsilon: 1e-5 });
          // A row of one element has no variance: rstd is 316 there.
          expectSame(pairs, { relative: 2e-6, absolute: 3e-6 });
          const [, [, mean], [, rstd]] = pairs as [(typeof pairs)[0], (typeof pairs)[0], (typeof pairs)[0]];
          const dy = seededTensor(shape, 4);
          expectSame(both("LayerNormGrad", { dy, x, gamma, mean, rstd }), { relative: 5e-6, absolute: 1e-5 });
        });
      });

      test.each(ROWS)("RMSNorm and its gradient on [%s, %s, %s]", (...dims) => {
        withoutLeak(() => {
          const shape = dims.filter((dim) => typeof dim === "number");
          const features = shape.at(-1)!;
          const [x, gamma] = [seededTensor(shape, 1), seededTensor([features], 2)];
          const pairs = both("RMSNorm", { x, gamma }, { epsilon: 1e-6 });
          expectSame(pairs);
          const rstd = pairs[1]![1];
          const dy = seededTensor(shape, 4);
          expectSame(both("RMSNormGrad", { dy, x, gamma, rstd }), { relative: 5e-6, absolute: 1e-5 });
        });
      });
    });

    describe("Gelu", () => {
      test.each(["tanh", "none"])("with approximate %s, forward and gradient", (approximate) => {
        withoutLeak(() => {
          for (const count of [0, 1, 3, 4, 2001]) {
            const x = tf.tensor1d(seeded(count, 5, [-8, 8]));
            const dy = seededTensor([count], 6);
            // Phi comes from erf, whose float32 error of 1e-7 is absolute in the far tail.
            const absolute = approximate === "tanh" ? 1e-7 : 1e-6;
            expectSame(both("Gelu", { x }, { approximate }), { relative: 1e-6, absolute });
            expectSame(both("GeluGrad", { dy, x }, { approximate }), { relative: 2e-6, absolute: 5e-7 });
          }
        });
      });
    });

    describe("CausalSoftmax", () => {
      test.each([
        { shape: [1, 1], scale: 1 },
        { shape: [7, 7], scale: 0.3 },
        { shape: [2, 3, 5, 9], scale: 0.125 },
        { shape: [2, 18, 300], scale: 2 },
        { shape: [3, 6, 6], scale: -0.7 },
        { shape: [0, 4, 4], scale: 1 },
      ])("on $shape with scale $scale, forward and gradient", ({ shape, scale }) => {
        withoutLeak(() => {
          const x = seededTensor(shape, 3, [-20, 20]);
          const pairs = both("CausalSoftmax", { x }, { scale });
          // An argument of 40 carries an error of 40 / 2^24 into the exponent.
          expectSame(pairs, { relative: 5e-6, absolute: 1e-9 });
          const dy = seededTensor(shape, 4);
          expectSame(both("CausalSoftmaxGrad", { dy, y: pairs[0]![1] }, { scale }), {
            relative: 1e-5,
            absolute: 2e-7,
          });
        });
      });
    });

    describe("Dropout", () => {
      test.each([
        { shape: [5], globalShape: [5], offset: [0] },
        { shape: [3, 7], globalShape: [3, 7], offset: [0, 0] },
        { shape: [2, 5], globalShape: [9, 11], offset: [3, 2] },
        { shape: [4097], globalShape: [9001], offset: [3] },
        { shape: [2, 3], globalShape: [2 ** 20, 2 ** 14], offset: [2 ** 20 - 2, 2 ** 14 - 3] },
        { shape: [0, 3], globalShape: [4, 3], offset: [4, 0] },
        { shape: [], globalShape: [], offset: [] },
      ])("draws the reference's mask for $shape at $offset", ({ shape, globalShape, offset }) => {
        withoutLeak(() => {
          const x = seededTensor(shape, 2);
          for (const rate of [0, 0.1, 0.5]) {
            const attrs = { rate, key: [0xdeadbeef, 0x89abcdef], globalShape, offset };
            expectSame(both("Dropout", { x }, attrs), { relative: 2e-7, absolute: 0 });
          }
        });
      });
    });

    describe("AdamWUpdate", () => {
      test.each([0, 1, 4, 1003])("on %i elements", (count) => {
        withoutLeak(() => {
          const inputs = {
            parameter: seededTensor([count], 1),
            gradient: seededTensor([count], 2),
            m: seededTensor([count], 3),
            v: seededTensor([count], 4, [0, 0.1]),
          };
          const attrs = {
            learningRate: 3e-3,
            beta1: 0.9,
            beta2: 0.95,
            epsilon: 1e-8,
            weightDecay: 0.1,
            step: 3,
          };
          expectSame(both("AdamWUpdate", inputs, attrs), { relative: 1e-6, absolute: 1e-7 });
        });
      });
    });

    // TensorFlow computes the last elements of an array by other instructions than the rest.
    test.skipIf(prefer === "tensorflow")("rows do not depend on their neighbours", () => {
      withoutLeak(() => {
        const x = seededTensor([9, 77], 1, [-5, 5]);
        const gamma = seededTensor([77], 2);
        const rows = (start: number, size: number): readonly tf.Tensor[] => {
          const part = x.slice([start, 0], [size, 77]);
          const run = (name: string, inputs: Inputs, attrs: tf.NamedAttrMap = {}): tf.Tensor =>
            tf.engine().runKernel<tf.Tensor[]>(name, inputs, attrs)[0]!;
          return [
            run("LayerNorm", { x: part, gamma, beta: gamma }, { epsilon: 1e-5 }),
            run("RMSNorm", { x: part, gamma }, { epsilon: 1e-5 }),
            tf.softmax(part),
          ];
        };
        const whole = rows(0, 9);
        for (const [i, part] of rows(5, 3).entries()) {
          expect(part.dataSync()).toEqual(whole[i]!.slice([5, 0], [3, -1]).dataSync());
        }
      });
    });

    test.skipIf(prefer === "tensorflow")("an elementwise result does not depend on its position", () => {
      withoutLeak(() => {
        const x = seededTensor([103], 6, [-4, 4]);
        const functions = [
          (t: tf.Tensor) => tf.exp(t),
          (t: tf.Tensor) => tf.tanh(t),
          (t: tf.Tensor) => tf.erf(t),
          (t: tf.Tensor) => tf.sigmoid(t),
          (t: tf.Tensor) => tf.engine().runKernel<tf.Tensor>("Gelu", { x: t }, { approximate: "tanh" }),
          (t: tf.Tensor) => tf.engine().runKernel<tf.Tensor>("Gelu", { x: t }, { approximate: "none" }),
        ];
        for (const f of functions) {
          const whole = f(x);
          expect(f(x.slice(37, 5)).dataSync()).toEqual(whole.slice(37, 5).dataSync());
          expect(f(x.slice(100, 3)).dataSync()).toEqual(whole.slice(100, 3).dataSync());
        }
      });
    });
  });
}
