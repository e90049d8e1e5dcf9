/**
 * The cross-entropy against the reference kernels, which compute in float64: part of the suite that every engine passes.
 *
 * @packageDocumentation
 */
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { ContractError } from "../../errors.ts";
import type { CrossEntropyAttrs } from "../../kernels/cross-entropy-parts.ts";
import { referenceKernels } from "../../kernels/register.ts";
import type { Engine, EngineName } from "../engine.ts";
import { startEngine } from "../start.ts";
import { expectClose, withoutLeak } from "../testing/check.ts";
import { seeded, seededTensor } from "../testing/seeded.ts";

let engine: Engine;

type Inputs = Readonly<Record<string, tf.Tensor>>;

function run(kernelName: string, inputs: Inputs, attrs: CrossEntropyAttrs): tf.Tensor[] {
  const found = tf.engine().runKernel<tf.Tensor | tf.Tensor[]>(kernelName, inputs, attrs);
  return Array.isArray(found) ? found : [found];
}

function runReference(kernelName: string, inputs: Inputs, attrs: CrossEntropyAttrs): tf.Tensor[] {
  const { kernelFunc } = referenceKernels.find((kernel) => kernel.kernelName === kernelName)!;
  const found = kernelFunc(engine)({ inputs, attrs, backend: tf.backend() });
  return (Array.isArray(found) ? found : [found]).map((info) => tf.engine().makeTensorFromTensorInfo(info));
}

const PLAIN = { labelSmoothing: 0, zLoss: 0, ignoreIndex: NaN, firstClass: 0 };

/** Odd sizes, tails of 1 to 3, more than one block of classes, leading dims, no tokens. */
const SIZES: readonly { readonly B: readonly number[]; readonly V: number }[] = [
  { B: [1], V: 1 },
  { B: [5], V: 11 },
  { B: [2, 3], V: 1027 },
  { B: [0], V: 7 },
];

const OPTIONS: readonly Partial<CrossEntropyAttrs>[] = [
  {},
  { labelSmoothing: 0.2 },
  { zLoss: 0.01, ignoreIndex: 0 },
  { labelSmoothing: 0.1, zLoss: 0.001, ignoreIndex: -100 },
];

function labelsFor(shape: readonly number[], numClasses: number, attrs: CrossEntropyAttrs): tf.Tensor {
  const count = shape.reduce((product, size) => product * size, 1);
  const values = seeded(count, 8, [0, numClasses]).map((label, i) =>
    i === 1 && attrs.ignoreIndex < 0 ? attrs.ignoreIndex : Math.min(Math.floor(label), numClasses - 1),
  );
  return tf.tensor(values, [...shape], "int32");
}

/** Every test below, on the engine that this thread then has. */
export function describeCrossEntropy(prefer: EngineName): void {
  describe(`CrossEntropy on ${prefer} equals the float64 reference`, () => {
    beforeAll(async () => {
      engine = await startEngine({ prefer });
    });

    for (const { B, V } of SIZES) {
      test.each(OPTIONS)(`on [${B.join(", ")}, ${V}] with %o, forward and gradient`, (options) => {
        withoutLeak(() => {
          const attrs: CrossEntropyAttrs = { ...PLAIN, numClasses: V, ...options };
          const inputs = { logits: seededTensor([...B, V], 2, [-30, 30]), labels: labelsFor(B, V, attrs) };
          const [fast, slow] = [run, runReference].map((by) => by("CrossEntropy", inputs, attrs));
          fast!.forEach((got, i) => {
            const want = slow![i]!;
            // Differences of logits of up to 60 are rounded to float32.
            expectClose(
              got,
              { shape: want.shape, values: want.dataSync() },
              { relative: 5e-7, absolute: 4e-6 },
            );
          });
          const gradInputs = { dy: seededTensor(B, 5), ...inputs, logSumExp: slow![1]! };
          const [got, want] = [run, runReference].map((by) => by("CrossEntropyGrad", gradInputs, attrs)[0]!);
          expectClose(
            got!,
            { shape: want!.shape, values: want!.dataSync() },
            { relative: 5e-6, absolute: 1e-7 },
          );
        });
      });
    }

    test.each(OPTIONS)("for some of the classes with %o: sums and gradient", (options) => {
      withoutLeak(() => {
        const [held, numClasses] = [13, 40];
        for (const firstClass of [0, 13, 27]) {
          const attrs: CrossEntropyAttrs = { ...PLAIN, numClasses, ...options, firstClass };
          const labels = labelsFor([9], numClasses, attrs);
          const logits = seededTensor([9, held], 3, [-5, 5]);
          const sumsInputs = { logits, labels, max: seededTensor([9], 4, [5, 6]) };
          const gradInputs = {
            dy: seededTensor([9], 5),
            logits,
            labels,
            logSumExp: seededTensor([9], 6, [6, 8]),
          };
          for (const [kernel, inputs] of [
            ["CrossEntropySums", sumsInputs],
            ["CrossEntropyGrad", gradInputs],
          ] as const) {
            const [got, want] = [run, runReference].map((by) => by(kernel, inputs, attrs)[0]!);
            expectClose(
              got!,
              { shape: want!.shape, values: want!.dataSync() },
              { relative: 2e-6, absolute: 1e-7 },
            );
          }
        }
      });
    });
  });

  test("a label outside the classes is named", () => {
    withoutLeak(() => {
      const inputs = { logits: tf.zeros([2, 3]), labels: tf.tensor1d([0, 3], "int32") };
      expect(() => run("CrossEntropy", inputs, { ...PLAIN, numClasses: 3 })).toThrow(
        new ContractError(
          "CrossEntropy: label at position 1 (3) must be in 0..2, the columns of logits; use labels below 3.",
        ),
      );
    });
  });

  test("tokens do not depend on their neighbours", () => {
    withoutLeak(() => {
      const logits = seededTensor([9, 77], 1, [-5, 5]);
      const labels = tf.tensor1d([1, 2, 3, 4, 5, 6, 7, 8, 9], "int32");
      const attrs = { ...PLAIN, labelSmoothing: 0.1, numClasses: 77 };
      const losses = (start: number, size: number): tf.Tensor =>
        run(
          "CrossEntropy",
          { logits: logits.slice([start, 0], [size, 77]), labels: labels.slice(start, size) },
          attrs,
        )[0]!;
      expect(losses(5, 3).dataSync()).toEqual(losses(0, 9).slice(5, 3).dataSync());
    });
  });
}
