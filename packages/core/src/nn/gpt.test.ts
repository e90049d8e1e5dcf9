import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { useTestEngine } from "../../test/golden/test-engine.ts";
import { ContractError } from "../errors.ts";
import { crossEntropy } from "./cross-entropy.ts";
import { GPT } from "./gpt.ts";
import { initialize } from "./initialize.ts";
import { Linear, type LinearOptions } from "./linear.ts";
import { namedParameters, setTraining } from "./module.ts";
import { RMSNorm, type LayerNorm } from "./norm.ts";
import { countParameters } from "./count-parameters.ts";

const SIZES = { vocabSize: 11, contextLength: 5, features: 6, heads: 2, layers: 3 };

beforeAll(() => useTestEngine("cpu"));

describe("GPT", () => {
  test("has the parameters that the formula counts, and allocates none when built", () => {
    const before = tf.memory().numTensors;
    const model = new GPT({ ...SIZES, mlpFeatures: 7 });
    expect(tf.memory().numTensors).toBe(before);
    const block = 4 * (6 * 6 + 6) + 4 * 6 + (6 * 7 + 7) + (7 * 6 + 6);
    expect(countParameters(model)).toBe(11 * 6 + 5 * 6 + 3 * block + 2 * 6 + 6 * 11);
  });

  test("starts as GPT-2 does: std 0.02, residual ends 0.02 / sqrt(2 layers), biases 0, gains 1", () => {
    const model = new GPT(SIZES);
    const kinds = new Map([...namedParameters(model)].map(([name, { initializer }]) => [name, initializer]));
    const residual = { kind: "normal", std: 0.02 / Math.sqrt(6) };
    for (const [name, initializer] of kinds) {
      if (/(out|down)\.weight$/.test(name)) expect(initializer, name).toEqual(residual);
      else if (/norm\d?\.weight$/i.test(name)) expect(initializer, name).toEqual({ kind: "ones" });
      else if (name.endsWith("bias")) expect(initializer, name).toEqual({ kind: "zeros" });
      else expect(initializer, name).toEqual({ kind: "normal", std: 0.02 });
    }
    expect(kinds.size).toBe(2 + 3 * 16 + 3);
  });

  test("tied, the head is the token embedding's table and the model has no other", () => {
    const tied = new GPT({ ...SIZES, tiedEmbeddings: true });
    const names = [...namedParameters(tied).keys()];
    expect(names).toEqual(
      [...namedParameters(new GPT(SIZES)).keys()].filter((name) => name !== "head.weight"),
    );
    expect(namedParameters(tied.head).get("weight")).toBe(namedParameters(tied.tokenEmbedding).get("weight"));
    expect(
      () =>
        new GPT({
          ...SIZES,
          tiedEmbeddings: true,
          parts: { tokenEmbedding: () => new RMSNorm({ features: 6 }) },
        }),
    ).toThrow(
      new ContractError(
        "TiedHead: embedding (parameters: weight) must have a field weight of shape [V, D]; use an embedding that keeps its table there, or tiedEmbeddings: false.",
      ),
    );
  });

  test("epsilon reaches every norm", () => {
    const { blocks, finalNorm } = new GPT({ ...SIZES, layers: 1, epsilon: 0.5 });
    const norms = [blocks[0]!.norm1, blocks[0]!.norm2, finalNorm];
    expect(norms.map((norm) => (norm as LayerNorm).epsilon)).toEqual([0.5, 0.5, 0.5]);
    expect((new GPT(SIZES).finalNorm as LayerNorm).epsilon).toBe(1e-5);
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
    const model = new GPT({ ...SIZES, layers: 1, parts });
    expect(asked).toEqual([
      ...["column 6x6", "column 6x6", "column 6x6", "row 6x6", "column 6x24", "row 24x6", "head 6x11"],
    ]);
    const dense = new GPT({ ...SIZES, layers: 1 });
    expect([...namedParameters(model).keys()]).toEqual([...namedParameters(dense).keys()]);
    const rms = new GPT({ ...SIZES, parts: { norm: (options) => new RMSNorm(options) } });
    expect(rms.finalNorm).toBeInstanceOf(RMSNorm);
  });

  test("dropout changes the loss while training only, and is the same for the same seed", () => {
    const tokens = tf.tensor2d([[1, 2, 3, 4]], [1, 4], "int32");
    const losses = (seed: number): number[] => {
      const model = new GPT({ ...SIZES, dropout: { rate: 0.5, seed } });
      initialize(model, { seed: 1 });
      const run = (): number => tf.tidy(() => crossEntropy(model.apply(tokens), tokens).dataSync()[0]!);
      const training = [run(), run()];
      setTraining(model, false);
      return [...training, run(), run()];
    };
    const [first, second, third, fourth] = losses(1);
    expect(first).not.toBe(second);
    expect(third).toBe(fourth);
    expect(losses(1)).toEqual([first, second, third, fourth]);
    expect(losses(2)[0]).not.toBe(first);
    expect(losses(2)[2]).toBe(third);
  });

  test("starts near the loss of guessing", () => {
    const model = new GPT(SIZES);
    initialize(model, { seed: 1 });
    const tokens = tf.tensor2d([[1, 2, 3, 4, 9]], [1, 5], "int32");
    const loss = crossEntropy(model.apply(tokens), tokens).dataSync()[0]!;
    expect(Math.abs(loss - Math.log(11))).toBeLessThan(0.1);
  });

  test("refuses sequences longer than its context and sizes that do not fit", () => {
    const model = new GPT(SIZES);
    expect(() => model.apply(tf.zeros([2, 6], "int32"))).toThrow(
      new ContractError(
        "GPT: tokens (shape [2, 6]) must have shape [B, T] with T at most contextLength (5); use shorter sequences or a longer contextLength.",
      ),
    );
    expect(() => new GPT({ ...SIZES, layers: 0, heads: -1 })).toThrow(
      new ContractError(
        "GPT: heads (-1), layers (0) must be a positive integer; use a whole number of at least 1.",
      ),
    );
    expect(() => new GPT({ ...SIZES, heads: 4 })).toThrow(
      new ContractError(
        "CausalSelfAttention: features (6) must be a multiple of heads (4); use for example features: 8.",
      ),
    );
  });
});
