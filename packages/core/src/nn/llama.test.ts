import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { useTestEngine } from "../../test/golden/test-engine.ts";
import { ContractError } from "../errors.ts";
import { causalAttention } from "./attention.ts";
import { countParameters } from "./count-parameters.ts";
import { crossEntropy } from "./cross-entropy.ts";
import { gradients } from "../optim/gradients.ts";
import { groupedCausalAttention, GroupedQueryAttention } from "./grouped-query-attention.ts";
import { initialize } from "./initialize.ts";
import type { LinearOptions } from "./linear.ts";
import { Linear } from "./linear.ts";
import { Llama, type LlamaOptions } from "./llama.ts";
import { namedParameters } from "./module.ts";
import { rotaryFrequencies } from "./rotary.ts";

const SIZES: LlamaOptions = {
  ...{
    vocabSize: 11,
    contextLength: 7,
    features: 12,
    heads: 6,
    keyValueHeads: 3,
    layers: 2,
    mlpFeatures: 10,
  },
};

beforeAll(() => useTestEngine("cpu"));

describe("Llama", () => {
  test("has the parameters that the formula counts, without biases, and allocates none when built", () => {
    const before = tf.memory().numTensors;
    const model = new Llama(SIZES);
    expect(tf.memory().numTensors).toBe(before);
    const block = 2 * 12 + 12 * 12 + 2 * 12 * 6 + 12 * 12 + 3 * 12 * 10;
    expect(countParameters(model)).toBe(11 * 12 + 2 * block + 12 + 12 * 11);
    expect(countParameters(new Llama({ ...SIZES, tiedEmbeddings: true }))).toBe(11 * 12 + 2 * block + 12);
    const names = [...namedParameters(model).keys()];
    expect(names.filter((name) => name.endsWith("bias"))).toEqual([]);
    expect(names.slice(0, 10)).toEqual([
      "tokenEmbedding.weight",
      "blocks.0.norm1.weight",
      ...["query", "key", "value", "out"].map((name) => `blocks.0.attention.${name}.weight`),
      "blocks.0.norm2.weight",
      ...["gate", "up", "down"].map((name) => `blocks.0.mlp.${name}.weight`),
    ]);
  });

  test("a tied table gets the gradients of both its uses", () => {
    const tokens = tf.tensor2d([[1, 2, 3]], [1, 3], "int32");
    const model = new Llama({ ...SIZES, tiedEmbeddings: true });
    initialize(model, { seed: 1 });
    const { loss, grads } = gradients(model, () => crossEntropy(model.apply(tokens), tokens));
    const rows = tf.sum(tf.abs(grads.get("tokenEmbedding.weight")!), 1).dataSync();
    // Every row is a class of the head; only rows 1 to 3 are looked up too.
    expect(Math.min(...rows)).toBeGreaterThan(0);
    const untied = new Llama(SIZES);
    initialize(untied, { seed: 1 });
    const plain = gradients(untied, () => crossEntropy(untied.apply(tokens), tokens));
    const ofEmbedding = tf.sum(tf.abs(plain.grads.get("tokenEmbedding.weight")!), 1).dataSync();
    expect([...ofEmbedding].map((row) => row > 0)).toEqual(
      Array.from({ length: 11 }, (_, i) => i > 0 && i < 4),
    );
    tf.dispose([loss, plain.loss, ...grads.values(), ...plain.grads.values()]);
  });

  test("positions shift nothing but their differences", () => {
    const tokens = tf.tensor2d([[1, 2, 3, 4]], [1, 4], "int32");
    const model = new Llama({ ...SIZES, rotary: { theta: 50 } });
    initialize(model, { seed: 1 });
    const at = (positions: readonly number[]): Float32Array =>
      tf.tidy(() => model.apply(tokens, tf.tensor1d([...positions], "int32")).dataSync<"float32">());
    const plain = tf.tidy(() => model.apply(tokens).dataSync<"float32">());
    expect(at([0, 1, 2, 3])).toEqual(plain);
    at([100, 101, 102, 103]).forEach((value, i) => {
      expect(value).toBeCloseTo(plain[i]!, 5);
    });
    expect(Math.max(...at([0, 1, 2, 5]).map((value, i) => Math.abs(value - plain[i]!)))).toBeGreaterThan(
      1e-7,
    );
  });

  test("replaceable parts get global sizes and keep every parameter's name", () => {
    const asked: string[] = [];
    const watch =
      (kind: string) =>
      (options: LinearOptions): Linear => {
        asked.push(`${kind} ${options.inFeatures}x${options.outFeatures}`);
        return new Linear(options);
      };
    const parts = { columnLinear: watch("column"), rowLinear: watch("row"), head: watch("head") };
    const model = new Llama({ ...SIZES, headFeatures: 4, layers: 1, parts });
    expect(asked).toEqual([
      ...["column 12x24", "column 12x12", "column 12x12", "row 24x12"],
      ...["column 12x10", "column 12x10", "row 10x12", "head 12x11"],
    ]);
    const dense = new Llama({ ...SIZES, layers: 1 });
    expect([...namedParameters(model).keys()]).toEqual([...namedParameters(dense).keys()]);
  });

  test("refuses sizes that do not fit", () => {
    expect(() => new Llama({ ...SIZES, layers: 0, heads: -1 })).toThrow(
      new ContractError(
        "Llama: heads (-1), layers (0) must be a positive integer; use a whole number of at least 1.",
      ),
    );
    expect(() => new Llama({ ...SIZES, keyValueHeads: 4 })).toThrow(
      new ContractError(
        "GroupedQueryAttention: heads (6) must be a multiple of keyValueHeads (4); use for example heads: 8.",
      ),
    );
    expect(() => new Llama({ ...SIZES, features: 13 })).toThrow(
      new ContractError(
        "GroupedQueryAttention: features (13) must be a multiple of heads (6); use for example features: 18, or set headFeatures.",
      ),
    );
    expect(() => new Llama({ ...SIZES, heads: 12 })).toThrow(
      new ContractError(
        "rotaryFrequencies: headFeatures (1) must be a positive even integer, as features turn in pairs; use an even number of features per head.",
      ),
    );
    expect(() => new Llama(SIZES).apply(tf.zeros([2, 8], "int32"))).toThrow(
      new ContractError(
        "Llama: tokens (shape [2, 8]) must have shape [B, T] with T at most contextLength (7); use shorter sequences or a longer contextLength.",
      ),
    );
  });
});

describe("grouped attention", () => {
  test("equals attention with repeated keys and values, value and gradients", () => {
    tf.tidy(() => {
      const draw = (heads: number, seed: number): tf.Tensor =>
        tf.randomUniform([2, heads, 5, 4], -1, 1, "float32", seed);
      const inputs = [draw(6, 1), draw(2, 2), draw(2, 3)];
      const dy = draw(6, 4);
      // [B, K, S, Dh] -> [B, H, S, Dh]: each head three times, one after the other.
      const repeated = (x: tf.Tensor): tf.Tensor =>
        tf.concat(
          [0, 0, 0, 1, 1, 1].map((head) => tf.slice(x, [0, head, 0, 0], [2, 1, 5, 4])),
          1,
        );
      const grouped = tf.valueAndGrads((q: tf.Tensor, k: tf.Tensor, v: tf.Tensor) =>
        groupedCausalAttention(q, { k, v }),
      )(inputs, dy);
      const plain = tf.valueAndGrads((q: tf.Tensor, k: tf.Tensor, v: tf.Tensor) =>
        causalAttention(q, { k: repeated(k), v: repeated(v) }),
      )(inputs, dy);
      const pairs = [[grouped.value, plain.value] as const].concat(
        grouped.grads.map((grad, i) => [grad, plain.grads[i]!] as const),
      );
      for (const [a, b] of pairs) expect(tf.max(tf.abs(tf.sub(a, b))).dataSync()[0]).toBeLessThan(1e-6);
    });
  });

  test("a module takes its own way to attend", () => {
    const module = new GroupedQueryAttention({ features: 4, heads: 2, attend: (q) => tf.zerosLike(q) });
    initialize({ module }, { seed: 1 });
    expect([...tf.tidy(() => module.apply(tf.ones([1, 2, 4])).dataSync())]).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
    expect(() => module.apply(tf.ones([2, 4]))).toThrow("must have shape [B, T, D]");
  });
});

test("rotary frequencies fall from 1 by powers of theta", () => {
  expect(rotaryFrequencies(4)).toEqual([1, 0.01]);
  expect(rotaryFrequencies(6, { theta: 1000 })[2]).toBeCloseTo(0.01, 12);
  expect(() => rotaryFrequencies(4, { theta: 0 })).toThrow(
    new ContractError("rotaryFrequencies: theta (0) must be above 0; use for example theta: 10000."),
  );
});
