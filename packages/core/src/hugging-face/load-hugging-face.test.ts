import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { useTestEngine } from "../../test/golden/test-engine.ts";
import { CheckpointError } from "../checkpoint/checkpoint-error.ts";
import { bytesOf } from "../checkpoint/element-values.ts";
import { SafetensorsFile } from "../checkpoint/read-safetensors.ts";
import { writeSafetensors, type TensorToWrite } from "../checkpoint/write-safetensors.ts";
import { ContractError } from "../errors.ts";
import { GPT } from "../nn/gpt.ts";
import { initialize } from "../nn/initialize.ts";
import { Llama } from "../nn/llama.ts";
import { namedParameters } from "../nn/module.ts";
import { readHuggingFaceConfig } from "./config.ts";
import { gptOptionsFromConfig } from "./gpt-config.ts";
import { llamaOptionsFromConfig } from "./llama-config.ts";
import { loadHuggingFace } from "./load-hugging-face.ts";
import { GOLDEN_MODELS, goldenFolder, goldenLogits, type GoldenModel } from "./testing/golden-models.ts";

const root = mkdtempSync(join(tmpdir(), "meshwright-hugging-face-"));
beforeAll(() => useTestEngine("cpu"));
afterAll(() => {
  rmSync(root, { recursive: true });
});

function build(folder: string): GPT | Llama {
  const config = readHuggingFaceConfig(folder);
  return config.model_type === "gpt2"
    ? new GPT(gptOptionsFromConfig(config))
    : new Llama(llamaOptionsFromConfig(config));
}

function dispose(model: object): void {
  for (const parameter of namedParameters(model).values()) parameter.dispose();
}

function largestDifference(model: GPT | Llama, name: GoldenModel): number {
  const { tokens, logits } = goldenLogits();
  const found = tf.tidy(() => model.apply(tf.tensor2d(tokens as number[][], [2, 7], "int32")).dataSync());
  expect(found.length).toBe(logits[name].length);
  return Math.max(...found.map((value, i) => Math.abs(value - logits[name][i]!)));
}

/** A copy of a checkpoint, its tensors changed, in one file. */
function variant(of: "gpt2" | "llama-tied", change: (tensors: TensorToWrite[]) => TensorToWrite[]): string {
  const folder = mkdtempSync(join(root, "variant-"));
  cpSync(goldenFolder(of), folder, { recursive: true });
  const path = join(folder, "model.safetensors");
  const file = SafetensorsFile.open(path);
  const tensors = [...file.header.tensors].map(([name, { dtype, shape }]) => {
    const bytes = file.readBytes(name);
    return { name, dtype, shape, bytes: () => bytes };
  });
  file.close();
  writeSafetensors(path, change(tensors));
  return folder;
}

function editConfig(folder: string, settings: object): void {
  const path = join(folder, "config.json");
  const config = JSON.parse(readFileSync(path, "utf8")) as object;
  writeFileSync(path, JSON.stringify({ ...config, ...settings }));
}

function zeros(name: string, shape: number[]): TensorToWrite {
  const count = shape.reduce((a, b) => a * b, 1);
  return { name, dtype: "F32", shape, bytes: () => bytesOf(new Float32Array(count)) };
}

describe.each(GOLDEN_MODELS)("loadHuggingFace of %s", (name) => {
  test("gives the logits of transformers, filled before or not", () => {
    const folder = goldenFolder(name);
    const before = tf.memory().numTensors;
    for (const isFilled of [false, true]) {
      const model = build(folder);
      if (isFilled) initialize(model, { seed: 1 });
      const { config } = loadHuggingFace(model, folder);
      expect(config.vocab_size).toBe(37);
      // Logits of up to 6 are sums of float32 products, in another order.
      expect(largestDifference(model, name)).toBeLessThan(1e-5);
      dispose(model);
    }
    expect(tf.memory().numTensors).toBe(before);
  });

  test("without gaps reads exactly the elements", () => {
    const folder = goldenFolder(name);
    const model = build(folder);
    const { bytesRead } = loadHuggingFace(model, folder, { maxGapBytes: 0 });
    const counts = [...namedParameters(model).values()].map(({ shape }) => shape.reduce((a, b) => a * b, 1));
    expect(bytesRead.data).toBe(counts.reduce((a, b) => a + b, 0) * (name === "llama-tied" ? 2 : 4));
    expect(largestDifference(model, name)).toBeLessThan(1e-5);
    dispose(model);
  });
});

describe("what else a checkpoint may be", () => {
  test("names without prefix, and buffers of old versions", () => {
    const folder = variant("gpt2", (tensors) => [
      ...tensors.map((tensor) => ({ ...tensor, name: tensor.name.replace("transformer.", "") })),
      zeros("h.0.attn.bias", [1, 1, 16, 16]),
      zeros("h.1.attn.masked_bias", []),
    ]);
    const model = build(folder);
    loadHuggingFace(model, folder);
    expect(largestDifference(model, "gpt2")).toBeLessThan(1e-5);
    dispose(model);
  });

  test("a tied head's weight beside the table, if it is the same", () => {
    const same = variant("gpt2", (tensors) => [
      ...tensors,
      { ...tensors.find(({ name }) => name === "transformer.wte.weight")!, name: "lm_head.weight" },
    ]);
    const model = build(same);
    loadHuggingFace(model, same);
    expect(largestDifference(model, "gpt2")).toBeLessThan(1e-5);
    dispose(model);

    const other = variant("gpt2", (tensors) => [...tensors, zeros("lm_head.weight", [37, 24])]);
    expect(() => loadHuggingFace(model, other)).toThrow(
      new CheckpointError(
        `loadHuggingFace: model and ${other} must be alike; use the options from its config.json and another copy of files that do not fit:\n- tensor "lm_head.weight" must equal "transformer.wte.weight", as the config ties them (tie_word_embeddings).`,
      ),
    );
    expect([...namedParameters(model).values()].some(({ isInitialized }) => isInitialized)).toBe(false);
  });

  test("`only` fills a part of the parameters, and reads no more", () => {
    const folder = goldenFolder("llama");
    const model = build(folder);
    const { bytesRead } = loadHuggingFace(model, folder, {
      only: (name) => name.startsWith("blocks.1.norm"),
    });
    const filled = [...namedParameters(model)].filter(([, { isInitialized }]) => isInitialized);
    expect(filled.map(([name]) => name)).toEqual(["blocks.1.norm1.weight", "blocks.1.norm2.weight"]);
    expect(bytesRead.data).toBe(2 * 24 * 4);
    dispose(model);
  });
});

describe("loadHuggingFace refuses, before it changes anything,", () => {
  const fails = (model: object, folder: string): string => {
    const before = tf.memory().numTensors;
    try {
      loadHuggingFace(model, folder);
    } catch (error) {
      expect(tf.memory().numTensors).toBe(before);
      expect(error).toBeInstanceOf(ContractError);
      return (error as Error).message;
    }
    throw new Error("loadHuggingFace must throw.");
  };
  const problems = (message: string): string[] => message.split("\n").slice(1);

  test("tensors that are missing, too many, or of another shape or type: all at once", () => {
    const folder = variant("gpt2", (tensors) => [
      ...tensors
        .filter(({ name }) => !name.startsWith("transformer.h.1.attn.c_attn"))
        .filter(({ name }) => !/ln_f|wpe/.test(name)),
      zeros("transformer.h.2.ln_1.weight", [24]),
      zeros("transformer.wpe.weight", [24, 16]),
      zeros("transformer.ln_f.weight", [24]),
      { name: "transformer.ln_f.bias", dtype: "I32", shape: [24], bytes: () => new Uint8Array(96) },
    ]);
    const message = fails(build(folder), folder);
    expect(message.split("\n")[0]).toBe(
      `loadHuggingFace: model and ${folder} must be alike; use the options from its config.json and another copy of files that do not fit:`,
    );
    expect(problems(message)).toEqual([
      '- tensor "transformer.wpe.weight" ([24, 16]) must have the shape that the config says ([16, 24]).',
      '- tensor "transformer.h.1.attn.c_attn.weight" ([24, 72]) must be in the files, but is missing.',
      '- tensor "transformer.h.1.attn.c_attn.bias" ([72]) must be in the files, but is missing.',
      '- tensor "transformer.ln_f.bias" (I32) must hold F32, F16, BF16 or F64.',
      '- tensor "transformer.h.2.ln_1.weight" must be one of the model\'s, but it has no such tensor.',
    ]);
  });

  test("a model of other sizes or settings than the config: all at once", () => {
    const folder = goldenFolder("llama-tied");
    const options = llamaOptionsFromConfig(readHuggingFaceConfig(folder));
    const other = new Llama({
      ...{ ...options, heads: 10, keyValueHeads: 5, headFeatures: 4, mlpFeatures: 41, layers: 1 },
      ...{ epsilon: 1e-5, tiedEmbeddings: false, rotary: { theta: 50 } },
    });
    expect(problems(fails(other, folder))).toEqual([
      '- parameter "blocks.0.mlp.gate.weight" ([24, 41]) must have the shape that the config says ([24, 40]).',
      '- parameter "blocks.0.mlp.up.weight" ([24, 41]) must have the shape that the config says ([24, 40]).',
      '- parameter "blocks.0.mlp.down.weight" ([41, 24]) must have the shape that the config says ([40, 24]).',
      ...["norm1", "attention.query", "attention.key", "attention.value", "attention.out", "norm2"]
        .concat("mlp.gate", "mlp.up", "mlp.down")
        .map((name) => `- parameter "blocks.1.${name}.weight" must be in the model, as the config says.`),
      '- parameter "head.weight" must not be in the model, as the config says.',
      '- "blocks.0.norm1.epsilon" (0.00001) must be as the config says (0.000001).',
      '- "blocks.0.attention.heads" (10) must be as the config says (4).',
      '- "blocks.0.attention.keyValueHeads" (5) must be as the config says (2).',
      expect.stringMatching(/^- "blocks\.0\.attention\.rotary\.frequencies" \(\[1,0\.14\d+\]\) must be as /),
      '- "blocks.0.norm2.epsilon" (0.00001) must be as the config says (0.000001).',
      '- "finalNorm.epsilon" (0.00001) must be as the config says (0.000001).',
    ]);
  });

  test("settings and kinds that we have not", () => {
    const folder = variant("gpt2", (tensors) => tensors);
    const model = build(folder);
    editConfig(folder, { activation_function: "relu" });
    expect(fails(model, folder)).toContain('- activation_function ("relu") must be "gelu_new"');
    editConfig(folder, { model_type: "bloom" });
    expect(fails(model, folder)).toBe(
      'loadHuggingFace: model_type ("bloom") must be "gpt2" or "llama"; use a model of one of these kinds.',
    );
    writeFileSync(join(folder, "config.json"), "[]");
    expect(fails(model, folder)).toBe(
      `readHuggingFaceConfig: ${join(folder, "config.json")} must be a JSON object; use another copy.`,
    );
    rmSync(join(folder, "config.json"));
    expect(fails(model, folder)).toBe(
      `readHuggingFaceConfig: folder (${folder}) must hold config.json; use the folder that save_pretrained wrote.`,
    );
  });

  test("a folder without weights, and one whose index does not fit", () => {
    const folder = mkdtempSync(join(root, "index-"));
    cpSync(goldenFolder("llama"), folder, { recursive: true });
    const model = build(folder);
    const indexPath = join(folder, "model.safetensors.index.json");
    const index = JSON.parse(readFileSync(indexPath, "utf8")) as { weight_map: Record<string, string> };
    const { "model.norm.weight": norm, ...others } = index.weight_map;
    const moved = { ...others, "lm_head.weight": "model-00001-of-00002.safetensors" };
    writeFileSync(indexPath, JSON.stringify({ weight_map: moved }));
    expect(norm).toBe("model-00002-of-00002.safetensors");
    expect(fails(model, folder)).toBe(
      `${indexPath}: index must fit the files:\n- tensor "lm_head.weight" must be in model-00001-of-00002.safetensors, as the index says.\n- tensor "model.norm.weight" must be in the index, as the files hold it.`,
    );
    writeFileSync(indexPath, JSON.stringify({ weight_map: { ...others, a: "../a.safetensors" } }));
    expect(fails(model, folder)).toBe(
      `${indexPath}: weight_map must name safetensors files in the same folder, but names "../a.safetensors"; use another copy.`,
    );
    writeFileSync(indexPath, "{");
    expect(fails(model, folder)).toContain(`${indexPath} must be JSON (`);
    writeFileSync(indexPath, JSON.stringify({ weight_map: { ...others, a: "gone.safetensors" } }));
    expect(fails(model, folder)).toContain(`${join(folder, "gone.safetensors")}: file must exist`);
    rmSync(indexPath);
    writeFileSync(join(folder, "pytorch_model.bin"), "");
    expect(fails(model, folder)).toBe(
      `loadHuggingFace: folder (${folder}) must hold model.safetensors or model.safetensors.index.json, but holds pytorch_model.bin; use the folder that save_pretrained wrote.`,
    );
  });
});
