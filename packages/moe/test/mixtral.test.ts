import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  ContractError,
  createWorld,
  readHuggingFaceConfig,
  SafetensorsFile,
  type WorldHandle,
} from "@meshwright/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import golden from "../golden/mixtral.json" with { type: "json" };
import {
  configFromMixtralOptions,
  mixtralOptionsFromConfig,
} from "../src/models/hugging-face/mixtral-config.ts";
import type program from "./programs/mixtral.ts";
import type { MixtralOutcome } from "./programs/mixtral.ts";

const PROGRAM = new URL("./programs/mixtral.ts", import.meta.url);
const FOLDER = fileURLToPath(new URL("../golden/mixtral", import.meta.url));
/** Elements of embedding and head, of attention, gate and norms, of the experts, of the last norm; float32. */
const EXPERT_BYTES = 4 * 2 * 4 * 3 * 16 * 10;
const ALL_BYTES = 4 * (2 * 37 * 16 + 2 * (2 * 16 * 16 + 2 * 16 * 8 + 16 * 4 + 2 * 16) + 16) + EXPERT_BYTES;

const root = mkdtempSync(join(tmpdir(), "meshwright-mixtral-"));
let world: WorldHandle;
beforeAll(async () => {
  world = await createWorld({ ranks: 4 });
});
afterAll(async () => {
  await world.close();
  rmSync(root, { recursive: true });
});

function load(mesh: { ep: number; tp: number }, saveTo?: string): Promise<MixtralOutcome[]> {
  const options = { ...mesh, tokens: golden.tokens, folder: FOLDER, ...(saveTo !== undefined && { saveTo }) };
  return world.run<typeof program>(PROGRAM, options, { ranks: mesh.ep * mesh.tp });
}

function expectGolden(outcomes: readonly MixtralOutcome[]): void {
  for (const { logits, counts, leaked } of outcomes) {
    expect(logits).toHaveLength(golden.logits.length);
    const differences = logits.map((value, i) => Math.abs(value - golden.logits[i]!));
    // Logits of up to 6 are sums of float32 products, in another order.
    expect(Math.max(...differences)).toBeLessThan(1e-5);
    expect(counts).toEqual(golden.counts);
    expect(leaked).toBe(0);
  }
}

/** Every tensor of a model's files. */
function tensorsOf(folder: string, files: readonly string[]): ReadonlyMap<string, Uint8Array> {
  const tensors = new Map<string, Uint8Array>();
  for (const name of files) {
    const file = SafetensorsFile.open(join(folder, name));
    for (const tensor of file.header.tensors.keys()) tensors.set(tensor, file.readBytes(tensor));
    file.close();
  }
  return tensors;
}

describe("a Mixtral of transformers", () => {
  test("has its logits and its choice of experts on one rank", async () => {
    const outcomes = await load({ ep: 1, tp: 1 });
    expectGolden(outcomes);
    expect(outcomes[0]!.bytesRead).toBe(ALL_BYTES);
  });

  test("has them on ep=2; each rank reads its own experts", async () => {
    const outcomes = await load({ ep: 2, tp: 1 });
    expectGolden(outcomes);
    for (const { bytesRead } of outcomes) expect(bytesRead).toBe(ALL_BYTES - EXPERT_BYTES / 2);
  });

  test("has them on ep=2 x tp=2, and is saved from there bit for bit", async () => {
    const saveTo = join(root, "saved");
    const outcomes = await load({ ep: 2, tp: 2 }, saveTo);
    expectGolden(outcomes);
    for (const { bytesRead, bytesHeld } of outcomes) expect(bytesRead).toBe(bytesHeld);
    const index = JSON.parse(readFileSync(join(FOLDER, "model.safetensors.index.json"), "utf8")) as {
      weight_map: Record<string, string>;
    };
    const theirs = tensorsOf(FOLDER, [...new Set(Object.values(index.weight_map))]);
    const ours = tensorsOf(saveTo, ["model.safetensors"]);
    expect([...ours.keys()].sort()).toEqual([...theirs.keys()].sort());
    for (const [name, bytes] of theirs) expect(Buffer.compare(ours.get(name)!, bytes), name).toBe(0);
  });
});

describe("mixtralOptionsFromConfig", () => {
  const config = readHuggingFaceConfig(FOLDER);

  test("takes Mixtral's defaults where a setting is left out", () => {
    const rest = { ...config, rms_norm_eps: null, rope_parameters: null, num_local_experts: null };
    expect(mixtralOptionsFromConfig(rest)).toMatchObject({
      ...{ epsilon: 1e-5, rotary: { theta: 1e6 }, moe: { numExperts: 8, topK: 2 } },
    });
  });

  test("lists every setting that moeLlama has not", () => {
    const other = { ...config, model_type: "llama", sliding_window: 8, num_local_experts: 0 };
    expect(() => mixtralOptionsFromConfig(other)).toThrow(
      new ContractError(
        [
          "mixtralOptionsFromConfig: config must describe a model that Meshwright computes alike:",
          '- model_type ("llama") must be "mixtral"; use llamaOptionsFromConfig for "llama".',
          "- sliding_window (8) must be null or at least max_position_embeddings (16), as moeLlama attends to all positions; use a model with that setting.",
          "- num_local_experts (0) must be a positive integer; use the config.json that transformers wrote.",
        ].join("\n"),
      ),
    );
  });
});

describe("configFromMixtralOptions", () => {
  const sizes = { vocabSize: 11, contextLength: 7, features: 6, heads: 3, layers: 4, headFeatures: 4 };

  test("is what mixtralOptionsFromConfig reads back", () => {
    const moe = { numExperts: 5, topK: 2, hidden: 9 };
    const config = configFromMixtralOptions({ ...sizes, rotary: { theta: 300 }, epsilon: 1e-4, moe });
    expect(mixtralOptionsFromConfig(config)).toEqual({
      ...{ ...sizes, rotary: { theta: 300 }, epsilon: 1e-4, keyValueHeads: 3, mlpFeatures: 9 },
      ...{ tiedEmbeddings: false, moe: { numExperts: 5, topK: 2 } },
    });
  });

  test("lists what a Mixtral has not", () => {
    const moe = {
      ...{ numExperts: 8, topK: 2, everyNth: 2, firstDense: 1, sharedExperts: { hidden: 3 } },
      ...{ capacity: { factor: 1.5 }, balance: { biasRate: 0.1 } },
      router: { scoreFunction: "sigmoid", groups: { count: 4, perToken: 2 }, noise: true },
    } as const;
    expect(() => configFromMixtralOptions({ ...sizes, moe })).toThrow(
      new ContractError(
        [
          "configFromMixtralOptions: options must be those of a Mixtral:",
          "- moe.everyNth (2) must be 1, as every block of Mixtral has experts.",
          "- moe.firstDense (1) must be 0, as every block of Mixtral has experts.",
          "- moe.sharedExperts (3) must be left out.",
          "- moe.capacity (factor 1.5) must be left out, as Mixtral drops nothing.",
          "- moe.router must take the softmax of the chosen logits, as Mixtral does.",
          "- moe.router.groups (4) must be left out.",
          "- moe.router.noise (true) must be left out.",
          "- moe.balance.biasRate (0.1) must be left out, as a Mixtral has no biases.",
        ].join("\n"),
      ),
    );
  });
});
