import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { referenceKernels } from "../../kernels/register.ts";
import type { Engine } from "../engine.ts";
import { startEngine } from "../start.ts";
import { locateNativeParts } from "../tensorflow/locate.ts";
import { expectClose, withoutLeak } from "../testing/check.ts";
import { seeded, seededTensor } from "../testing/seeded.ts";
import { registerTensorflowKernels, revisionOf, tensorflowKernels } from "./all.ts";
import { FUSED_REVISION } from "./fused.ts";
import { NativeBackend } from "./native-backend.ts";
import { FUSED_KERNELS_FILE } from "./native-sources.ts";

const [parts] = locateNativeParts().parts;

/** What runs of this machine's library: with the fused operations, where they were built, and without. */
const FORMS = [
  { form: "fused", isFused: true },
  { form: "composed", isFused: false },
] as const;

type Inputs = Readonly<Record<string, tf.Tensor>>;
type Pair = readonly [got: tf.Tensor, want: tf.Tensor];

describe.skipIf(parts === undefined).each(FORMS)("$form kernels of the tensorflow engine", ({ isFused }) => {
  let engine: Engine;
  let hasFused = false;

  beforeAll(async () => {
    engine = await startEngine({ prefer: "tensorflow" });
    const folder = dirname(parts!.addon);
    const library = registerTensorflowKernels("tensorflow", tf.backend(), { folder });
    hasFused = revisionOf(library) === FUSED_REVISION;
  });

  const toTensors = (found: tf.TensorInfo | tf.TensorInfo[]): tf.Tensor[] =>
    (Array.isArray(found) ? found : [found]).map((info) =>
      // The reference's products are stock kernels, which return whole tensors.
      info instanceof tf.Tensor ? (info as tf.Tensor) : tf.engine().makeTensorFromTensorInfo(info),
    );

  /** The kernel and the float64 reference kernel on the same inputs, one pair per output. */
  function both(kernelName: string, inputs: Inputs, attrs: tf.NamedAttrMap = {}): Pair[] {
    const call = { inputs, attrs, backend: tf.backend() };
    const kernel = tensorflowKernels(isFused ? FUSED_REVISION : 0).find(
      (candidate) => candidate.kernelName === kernelName,
    )!;
    const stock = (): never => expect.fail(`${kernelName} took the stock kernel`);
    const got = toTensors(kernel.kernelFunc(new NativeBackend(tf.backend()), stock)(call));
    const reference = referenceKernels.find((candidate) => candidate.kernelName === kernelName)!;
    const want = toTensors(reference.kernelFunc(engine)(call));
    expect(got).toHaveLength(want.length);
    return got.map((tensor, i) => [tensor, want[i]!]);
  }

  function expectSame(
    pairs: readonly Pair[],
    tolerance: { readonly relative?: number; readonly absolute?: number } = {},
  ): void {
    for (const [got, want] of pairs) {
      expectClose(got, { shape: want.shape, values: want.dataSync() }, tolerance);
    }
  }

  /** Runs `body` without leaving a tensor, where the form that is tested is there. */
  function check(body: () => void): void {
    if (isFused && !hasFused) return;
    withoutLeak(body);
  }

  const SHAPES = [[1, 1], [3, 7], [2, 3, 5], [37, 18], [5, 523], [71, 300]]; // prettier-ignore

  test.each(SHAPES.map((shape) => ({ shape })))("LayerNorm and its gradient on $shape", ({ shape }) => {
    check(() => {
      const features = shape.at(-1)!;
      const x = seededTensor(shape, 1, [2, 5]);
      const [gamma, beta] = [seededTensor([features], 2), seededTensor([features], 3)];
      const pairs = both("LayerNorm", { x, gamma, beta }, { epsilon: 1e-5 });
      // A row of one element has no variance: rstd is 316 there.
      expectSame(pairs, { relative: 5e-6, absolute: 1e-5 });
      const [mean, rstd] = [pairs[1]![1], pairs[2]![1]];
      const dy = seededTensor(shape, 4);
      expectSame(both("LayerNormGrad", { dy, x, gamma, mean, rstd }), { relative: 1e-5, absolute: 3e-5 });
    });
  });

  test.each(SHAPES.map((shape) => ({ shape })))("RMSNorm and its gradient on $shape", ({ shape }) => {
    // The composed form is the reference: no profile shows it.
    if (!isFused) return;
    check(() => {
      const [x, gamma] = [seededTensor(shape, 1), seededTensor([shape.at(-1)!], 2)];
      const pairs = both("RMSNorm", { x, gamma }, { epsilon: 1e-6 });
      expectSame(pairs, { relative: 2e-6, absolute: 2e-6 });
      const dy = seededTensor(shape, 4);
      expectSame(both("RMSNormGrad", { dy, x, gamma, rstd: pairs[1]![1] }), {
        relative: 1e-5,
        absolute: 1e-5,
      });
    });
  });

  test.each(["tanh", "none"])("Gelu with approximate %s, forward and gradient", (approximate) => {
    check(() => {
      for (const count of [0, 1, 5, 2001]) {
        const x = tf.tensor1d(seeded(count, 5, [-8, 8]));
        const dy = seededTensor([count], 6);
        // Phi comes from erf, whose float32 error of 1e-7 is absolute in the far tail.
        const absolute = approximate === "tanh" ? 1e-7 : 1e-6;
        expectSame(both("Gelu", { x }, { approximate }), { relative: 2e-6, absolute });
        expectSame(both("GeluGrad", { dy, x }, { approximate }), { relative: 3e-6, absolute: 1e-6 });
      }
    });
  });

  test.each([
    { shape: [1, 1], scale: 1 },
    { shape: [7, 7], scale: 0.3 },
    { shape: [2, 3, 5, 9], scale: 0.125 },
    { shape: [2, 18, 300], scale: 2 },
    { shape: [3, 6, 6], scale: -0.7 },
  ])("CausalSoftmax on $shape with scale $scale, forward and gradient", ({ shape, scale }) => {
    check(() => {
      const x = seededTensor(shape, 3, [-20, 20]);
      const pairs = both("CausalSoftmax", { x }, { scale });
      // An argument of 40 carries an error of 40 / 2^24 into the exponent.
      expectSame(pairs, { relative: 5e-6, absolute: 1e-9 });
      const dy = seededTensor(shape, 4);
      const y = pairs[0]![1];
      expectSame(both("CausalSoftmaxGrad", { dy, y }, { scale }), { relative: 1e-5, absolute: 1e-6 });
    });
  });

  test.each([
    { labelSmoothing: 0, zLoss: 0, ignoreIndex: NaN },
    { labelSmoothing: 0.1, zLoss: 1e-3, ignoreIndex: 2 },
  ])("CrossEntropy with $labelSmoothing, $zLoss, $ignoreIndex, forward and gradient", (options) => {
    if (!isFused) return;
    check(() => {
      const [rows, classes] = [11, 37];
      const logits = seededTensor([rows, classes], 1, [-9, 9]);
      const labels = tf.tensor1d(
        Array.from({ length: rows }, (_, i) => (i * 5 + 2) % classes),
        "int32",
      );
      const attrs = { ...options, numClasses: classes, firstClass: 0 };
      const pairs = both("CrossEntropy", { logits, labels }, attrs);
      expectSame(pairs, { relative: 2e-6, absolute: 2e-6 });
      const inputs = { dy: seededTensor([rows], 2), logits, labels, logSumExp: pairs[1]![1] };
      expectSame(both("CrossEntropyGrad", inputs, attrs), { relative: 1e-5, absolute: 1e-7 });
      // A holder of classes 20 to 29 alone.
      const held = { ...inputs, logits: logits.slice([0, 20], [rows, 10]) };
      expectSame(both("CrossEntropyGrad", held, { ...attrs, firstClass: 20 }), {
        relative: 1e-5,
        absolute: 1e-7,
      });
      const max = tf.max(logits, -1);
      const parts = { logits: held.logits, labels, max };
      expectSame(both("CrossEntropySums", parts, { ...attrs, firstClass: 20 }), {
        relative: 2e-6,
        absolute: 2e-6,
      });
    });
  });

  test("CrossEntropy says which label is out of range", () => {
    if (!isFused || !hasFused) return;
    const attrs = { labelSmoothing: 0, zLoss: 0, ignoreIndex: NaN, numClasses: 3, firstClass: 0 };
    const inputs = { logits: tf.ones([2, 3]), labels: tf.tensor1d([1, 3], "int32") };
    expect(() => both("CrossEntropy", inputs, attrs)).toThrow("label at position 1 (3) must be in 0..2");
    tf.dispose(inputs);
  });

  test.each([0, 1, 4, 1003])("AdamWUpdate on %i elements", (count) => {
    check(() => {
      const inputs = {
        parameter: seededTensor([count], 1),
        gradient: seededTensor([count], 2),
        m: seededTensor([count], 3),
        v: seededTensor([count], 4, [0, 0.1]),
      };
      const attrs = { learningRate: 3e-3, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.1, step: 3 };
      expectSame(both("AdamWUpdate", inputs, attrs), { relative: 1e-6, absolute: 1e-7 });
    });
  });

  test("EmbeddingLookup and its gradient, of a whole table and of a part", () => {
    check(() => {
      const table = seededTensor([7, 5], 1);
      const indices = tf.tensor2d([3, 0, 9, 4, 3, 8], [2, 3], "int32");
      const dy = seededTensor([2, 3, 5], 2);
      const whole = { numRows: 7, firstRow: 0 };
      const part = { numRows: 11, firstRow: 3 };
      const inside = tf.tensor2d([3, 0, 6, 4, 3, 6], [2, 3], "int32");
      expectSame(both("EmbeddingLookup", { table, indices: inside }, whole));
      expectSame(both("EmbeddingLookupGrad", { dy, indices: inside, table }, whole));
      expectSame(both("EmbeddingLookup", { table, indices }, part));
      expectSame(both("EmbeddingLookupGrad", { dy, indices, table }, part));
      expect(() => both("EmbeddingLookup", { table, indices }, whole)).toThrow("position 2 (9)");
    });
  });

  test.each([true, false])("Linear with transposeW %s and its gradients", (transposeW) => {
    check(() => {
      const x = seededTensor([2, 3, 5], 1);
      const w = seededTensor(transposeW ? [4, 5] : [5, 4], 2);
      const dy = seededTensor([2, 3, 4], 3);
      expectSame(both("Linear", { x, w }, { transposeW }));
      expectSame(both("LinearGradWeight", { x, dy }));
    });
  });

  test("Sum over the leading dims is exact where float32 alone is not", () => {
    if (!isFused || !hasFused) return;
    withoutLeak(() => {
      const x = tf.fill([3000, 2, 3], 0.1);
      // Added one by one in float32, 6000 times 0.1 is 599.97.
      expectClose(tf.sum(x, [0, 1]), {
        shape: [3],
        values: new Array<number>(3).fill(6000 * Math.fround(0.1)),
      });
      expectClose(tf.sum(seededTensor([2, 3, 5], 1), 1), {
        shape: [2, 5],
        values: tf
          .sum(seededTensor([2, 3, 5], 1).transpose([1, 0, 2]), 0)
          .reshape([10])
          .dataSync(),
      });
    });
  });
});

/**
 * Two threads load the addon and the library one after the other. The second would register operations anew if the library
 * had gone, and TensorFlow itself anew if only a part of it had stayed.
 */
const THREADS_IN_TURN = `
  const { once } = require("node:events");
  const { Worker } = require("node:worker_threads");
  const [addon, library] = process.argv.slice(1).map((file) => "require(" + JSON.stringify(file) + ")");
  const source = addon + "; require('node:worker_threads').parentPort.postMessage(" + library + ".registered)";
  void (async () => {
    for (let turn = 0; turn < 2; turn++) {
      const worker = new Worker(source, { eval: true });
      const [registered] = await once(worker, "message");
      await once(worker, "exit");
      console.log(registered);
    }
  })();
`;

const library = parts && join(dirname(parts.addon), FUSED_KERNELS_FILE);

test.skipIf(library === undefined || !existsSync(library))(
  "the fused operations outlive a thread",
  async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [
      "-e",
      THREADS_IN_TURN,
      parts!.addon,
      library!,
    ]);
    expect(stdout).toBe("true\ntrue\n");
  },
);
