import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { useTestEngine } from "../../test/golden/test-engine.ts";
import { SafetensorsFile } from "../checkpoint/read-safetensors.ts";
import { ContractError } from "../errors.ts";
import { GPT } from "../nn/gpt.ts";
import { initialize } from "../nn/initialize.ts";
import { Llama } from "../nn/llama.ts";
import { namedParameters } from "../nn/module.ts";
import { parameterHash } from "../nn/parameter-hash.ts";
import { readHuggingFaceConfig } from "./config.ts";
import { configFromGPTOptions, gptOptionsFromConfig } from "./gpt-config.ts";
import { configFromLlamaOptions, llamaOptionsFromConfig } from "./llama-config.ts";
import { loadHuggingFace } from "./load-hugging-face.ts";
import { saveHuggingFace } from "./save-hugging-face.ts";
import { GOLDEN_MODELS, goldenFolder } from "./testing/golden-models.ts";

const root = mkdtempSync(join(tmpdir(), "meshwright-save-hugging-face-"));
beforeAll(() => useTestEngine("cpu"));
afterAll(() => {
  rmSync(root, { recursive: true });
});

/** Element type, shape and bytes of every tensor in a folder. */
function contents(folder: string): Map<string, unknown> {
  const tensors = new Map<string, unknown>();
  for (const name of readdirSync(folder).filter((file) => file.endsWith(".safetensors"))) {
    const file = SafetensorsFile.open(join(folder, name));
    expect(file.header.metadata).toEqual({ format: "pt" });
    for (const [tensor, { dtype, shape }] of file.header.tensors) {
      tensors.set(tensor, { dtype, shape, bytes: Buffer.from(file.readBytes(tensor)).toString("hex") });
    }
    file.close();
  }
  return tensors;
}

describe("saveHuggingFace", () => {
  test.each(GOLDEN_MODELS)("gives back every tensor of %s with the bytes that transformers wrote", (name) => {
    const from = goldenFolder(name);
    const config = readHuggingFaceConfig(from);
    const model =
      config.model_type === "gpt2"
        ? new GPT(gptOptionsFromConfig(config))
        : new Llama(llamaOptionsFromConfig(config));
    loadHuggingFace(model, from);
    const to = join(root, name);
    const before = tf.memory().numTensors;
    saveHuggingFace(model, to, { config, dtype: name === "llama-tied" ? "BF16" : "F32" });
    expect(tf.memory().numTensors).toBe(before);
    expect(contents(to)).toEqual(contents(from));
    expect(readHuggingFaceConfig(to)).toEqual(config);
    expect(readdirSync(to).sort()).toEqual(["config.json", "model.safetensors"]);
    for (const parameter of namedParameters(model).values()) parameter.dispose();
  });

  test.each([
    {
      Model: GPT,
      options: { vocabSize: 11, contextLength: 5, features: 6, heads: 3, layers: 2, mlpFeatures: 7 },
      configOf: configFromGPTOptions,
    },
    {
      Model: Llama,
      options: { vocabSize: 11, contextLength: 5, features: 8, heads: 4, keyValueHeads: 2, layers: 2 },
      configOf: configFromLlamaOptions,
    },
  ])("a $Model.name of our own comes back the same", ({ Model, options, configOf }) => {
    const [model, loaded] = [new Model(options), new Model(options)];
    initialize(model, { seed: 4 });
    const folder = join(root, Model.name);
    saveHuggingFace(model, folder, { config: configOf(options) });
    loadHuggingFace(loaded, folder);
    expect(parameterHash(loaded)).toBe(parameterHash(model));
    for (const parameter of [model, loaded].flatMap((each) => [...namedParameters(each).values()])) {
      parameter.dispose();
    }
  });

  test("replaces a model, but not one in several files, and refuses another config", () => {
    const options = { vocabSize: 11, contextLength: 5, features: 6, heads: 3, layers: 1 };
    const model = new GPT(options);
    initialize(model, { seed: 4 });
    const folder = join(root, "twice");
    const config = configFromGPTOptions(options);
    saveHuggingFace(model, folder, { config });
    const first = readFileSync(join(folder, "model.safetensors"));
    saveHuggingFace(model, folder, { config });
    expect(readFileSync(join(folder, "model.safetensors")).equals(first)).toBe(true);
    writeFileSync(join(folder, "model.safetensors.index.json"), "{}");
    expect(() => {
      saveHuggingFace(model, folder, { config: { ...config, n_head: 2, n_positions: 6 } });
    }).toThrow(
      new ContractError(
        [
          "saveHuggingFace: model must be the one that config describes:",
          '- parameter "positionEmbedding.weight" ([5, 6]) must have the shape that the config says ([6, 6]).',
          '- "blocks.0.attention.heads" (3) must be as the config says (2).',
          `- folder (${folder}) must not hold model.safetensors.index.json; use an empty folder.`,
        ].join("\n"),
      ),
    );
    for (const parameter of namedParameters(model).values()) parameter.dispose();
  });
});
