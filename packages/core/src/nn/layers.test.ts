import * as tf from "@tensorflow/tfjs";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { TEST_BACKENDS, useTestEngine } from "../../test/golden/test-engine.ts";
import { ContractError } from "../errors.ts";
import { CausalSelfAttention } from "./attention.ts";
import { crossEntropy } from "./cross-entropy.ts";
import { Dropout } from "./dropout.ts";
import { Embedding } from "./embedding.ts";
import { initialize } from "./initialize.ts";
import { Linear } from "./linear.ts";
import { GeluMLP, SwiGLUMLP } from "./mlp.ts";
import { namedParameters } from "./module.ts";
import { LayerNorm, RMSNorm } from "./norm.ts";

describe.each(TEST_BACKENDS)("modules on the %s backend", (backendName) => {
  beforeAll(() => useTestEngine(backendName));

  let before = 0;
  const models: object[] = [];
  const initialized = <M extends object>(model: M): M => {
    initialize(model, { seed: 1 });
    models.push(model);
    return model;
  };
  beforeEach(() => {
    before = tf.memory().numTensors;
  });
  afterEach(() => {
    for (const model of models.splice(0)) for (const p of namedParameters(model).values()) p.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  test("modules leave nothing but their result", () => {
    const x = tf.randomNormal([2, 5, 6], 0, 1, "float32", 1);
    const modules = [
      initialized(new Linear({ inFeatures: 6, outFeatures: 4 })),
      initialized(new LayerNorm({ features: 6 })),
      initialized(new RMSNorm({ features: 6 })),
      initialized(new GeluMLP({ features: 6, hiddenFeatures: 7 })),
      initialized(new SwiGLUMLP({ features: 6, hiddenFeatures: 7 })),
      initialized(new CausalSelfAttention({ features: 6, heads: 3 })),
      new Dropout({ rate: 0.5, seed: 1, name: "d" }),
    ];
    const live = tf.memory().numTensors;
    const shapes = modules.map((module) => {
      const y = module.apply(x);
      expect(tf.memory().numTensors).toBe(live + 1);
      y.dispose();
      return y.shape;
    });
    expect(shapes).toEqual([[2, 5, 4], ...Array.from({ length: 6 }, () => [2, 5, 6])]);
    x.dispose();
  });

  test("Linear multiplies any number of leading dims, in its gradients too", () => {
    const linear = initialized(new Linear({ inFeatures: 3, outFeatures: 4 }));
    tf.tidy(() => {
      const x = tf.randomNormal([2, 5, 3], 0, 1, "float32", 1);
      const dy = tf.randomNormal([2, 5, 4], 0, 1, "float32", 2);
      const run = (input: tf.Tensor, d: tf.Tensor): readonly tf.Tensor[] => {
        const weights = [linear.weight.variable, linear.bias!.variable];
        const { grads } = tf.variableGrads(() => tf.sum(tf.mul(linear.apply(input), d)), weights);
        return [...weights.map((w) => grads[w.name]!), tf.grad((t: tf.Tensor) => linear.apply(t))(input, d)];
      };
      const [folded, flat] = [run(x, dy), run(tf.reshape(x, [10, 3]), tf.reshape(dy, [10, 4]))];
      folded.forEach((grad, i) => {
        expect([...grad.dataSync()]).toEqual([...flat[i]!.dataSync()]);
      });
    });
  });

  test("Embedding looks rows up and adds gradients of repeated rows", () => {
    const embedding = initialized(new Embedding({ numEmbeddings: 5, features: 2 }));
    tf.tidy(() => {
      const indices = tf.tensor2d([1, 4, 1], [1, 3], "int32");
      const table = [...embedding.weight.variable.dataSync()];
      expect([...embedding.apply(indices).dataSync()]).toEqual([2, 3, 8, 9, 2, 3].map((i) => table[i]));
      const { grads } = tf.variableGrads(() => tf.sum(embedding.apply(indices)), [embedding.weight.variable]);
      const grad = grads[embedding.weight.variable.name]!;
      expect([...grad.dataSync()]).toEqual([0, 0, 2, 2, 0, 0, 0, 0, 1, 1]);
    });
  });

  test("attention does not see the future", () => {
    const attention = initialized(new CausalSelfAttention({ features: 6, heads: 2 }));
    tf.tidy(() => {
      const x = tf.randomNormal([1, 4, 6], 0, 1, "float32", 1);
      const changed = tf.concat([tf.slice(x, [0, 0, 0], [1, 3, 6]), tf.ones([1, 1, 6])], 1);
      const [a, b] = [attention.apply(x).dataSync(), attention.apply(changed).dataSync()];
      expect([...a.subarray(0, 18)]).toEqual([...b.subarray(0, 18)]);
      expect([...a.subarray(18)]).not.toEqual([...b.subarray(18)]);
    });
  });

  test("Dropout draws a new mask per call, repeats it from the same call number, and rests outside training", () => {
    const dropout = new Dropout({ rate: 0.5, seed: 3, name: "d" });
    tf.tidy(() => {
      const x = tf.ones([50]);
      const [first, second] = [[...dropout.apply(x).dataSync()], [...dropout.apply(x).dataSync()]];
      expect(second).not.toEqual(first);
      dropout.callIndex = 0;
      expect([...dropout.apply(x).dataSync()]).toEqual(first);
      dropout.training = false;
      expect([...dropout.apply(x).dataSync()]).toEqual([...x.dataSync()]);
      expect(dropout.callIndex).toBe(1);
    });
  });
});

describe("bad sizes and inputs", () => {
  beforeAll(() => useTestEngine("cpu"));

  test.each<[() => unknown, string]>([
    [
      () => new Linear({ inFeatures: 0, outFeatures: 1.5 }),
      "Linear: inFeatures (0), outFeatures (1.5) must be a positive integer; use a whole number of at least 1.",
    ],
    [
      () => new CausalSelfAttention({ features: 10, heads: 4 }),
      "CausalSelfAttention: features (10) must be a multiple of heads (4); use for example features: 12.",
    ],
    [
      () => new Dropout({ rate: 1, seed: 1, name: "d" }),
      "Dropout: rate (1) must be in [0, 1); use for example rate: 0.1.",
    ],
    [
      () => new Dropout({ rate: 0.1, seed: -1, name: "d" }),
      "philoxKey: seed (-1) must be an integer from 0 to 2^53 - 1; use for example seed: 1.",
    ],
    [
      () => new Linear({ inFeatures: 3, outFeatures: 4 }).apply(tf.zeros([2, 4])),
      "Linear: the last dim of the input (shape [2, 4]) must be 3; use the size the module was built with.",
    ],
    [
      () => new Linear({ inFeatures: 3, outFeatures: 4 }).apply(tf.zeros([2, 3])),
      "Parameter: a parameter of shape [3, 4] has no values yet; call initialize(model, { seed }) first.",
    ],
    [
      () => new Embedding({ numEmbeddings: 3, features: 4 }).apply(tf.zeros([2])),
      'Embedding: indices (float32) must be int32; use tf.cast(t, "int32").',
    ],
    [
      () => new CausalSelfAttention({ features: 6, heads: 2 }).apply(tf.zeros([5, 6])),
      "CausalSelfAttention: input (shape [5, 6]) must have shape [B, T, D]; use tf.expandDims for a single sequence.",
    ],
    [
      () => crossEntropy(tf.zeros([2, 3, 5]), tf.zeros([6], "int32")),
      "crossEntropy: labels (shape [6]) must have the shape of logits without its last dim ([2, 3]); use one label per token.",
    ],
  ])("case %#", (build, text) => {
    expect(build).toThrow(new ContractError(text));
  });
});
