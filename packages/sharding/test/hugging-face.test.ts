import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createWorld, SafetensorsFile, type WorldHandle } from "@meshwright/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type program from "./programs/hugging-face.ts";
import type { HuggingFaceOutcome, HuggingFaceRun } from "./programs/hugging-face.ts";

const PROGRAM = new URL("./programs/hugging-face.ts", import.meta.url);
const GOLDEN = new URL("../../core/golden/", import.meta.url);
const MODELS = ["gpt2", "llama", "llama-tied"] as const;
const { tokens, logits } = JSON.parse(readFileSync(new URL("hugging-face.json", GOLDEN), "utf8")) as {
  readonly tokens: number[][];
  readonly logits: Record<(typeof MODELS)[number], number[]>;
};

const root = mkdtempSync(join(tmpdir(), "meshwright-hugging-face-"));
let world: WorldHandle;
beforeAll(async () => {
  world = await createWorld({ ranks: 4, seed: 5 });
});
afterAll(async () => {
  await world.close();
  rmSync(root, { recursive: true });
});

function goldenFolder(model: string): string {
  return fileURLToPath(new URL(`hugging-face/${model}`, GOLDEN));
}

async function load(
  folder: string,
  options: Omit<HuggingFaceRun, "folder" | "tokens">,
): Promise<HuggingFaceOutcome[]> {
  const { dp = 1, tp = 1 } = options.mesh;
  return world.run<typeof program>(PROGRAM, { folder, tokens, ...options }, { ranks: dp * tp });
}

function largestDifference(outcomes: readonly HuggingFaceOutcome[], model: (typeof MODELS)[number]): number {
  const differences = outcomes.flatMap((outcome) => {
    expect(outcome.logits.length).toBe(2 * 7 * 37);
    return outcome.logits.map((value, i) => Math.abs(value - logits[model][i]!));
  });
  return Math.max(...differences);
}

const FORMS: Omit<HuggingFaceRun, "folder" | "tokens">[] = [
  { mesh: { tp: 1 } },
  { mesh: { tp: 2 } },
  { mesh: { tp: 2 }, initialize: true, sequenceParallel: true },
  { mesh: { dp: 2, tp: 2 } },
  { mesh: { dp: 2, tp: 2 }, zero3: true },
];

describe.each(MODELS)("%s", (model) => {
  test.each(FORMS)("has the logits of transformers on %j", async (form) => {
    const outcomes = await load(goldenFolder(model), form);
    // Logits of up to 6 are sums of float32 products, in another order.
    expect(largestDifference(outcomes, model)).toBeLessThan(1e-5);
    expect(outcomes.map(({ leaked }) => leaked)).toEqual(outcomes.map(() => 0));
  });

  test("each rank of two reads the elements of its part, about half of all", async () => {
    const size = model === "llama-tied" ? 2 : 4;
    const [whole] = await load(goldenFolder(model), { mesh: { tp: 1 }, maxGapBytes: 0 });
    const halves = await load(goldenFolder(model), { mesh: { tp: 2 }, maxGapBytes: 0 });
    for (const { bytesRead, bytesHeld } of halves) {
      expect(bytesRead.data).toBe((bytesHeld / 4) * size);
      // Above a half: norms, biases of row-parallel layers and positions are on both.
      expect(bytesRead.data / whole!.bytesRead.data).toBeGreaterThan(0.5);
      expect(bytesRead.data / whole!.bytesRead.data).toBeLessThan(0.55);
    }
    const quarters = await load(goldenFolder(model), { mesh: { dp: 2, tp: 2 }, zero3: true, maxGapBytes: 0 });
    for (const { bytesRead, bytesHeld } of quarters) {
      expect(bytesRead.data).toBe((bytesHeld / 4) * size);
      // Split over dp too; what tp does not split is on two ranks.
      expect(bytesRead.data / whole!.bytesRead.data).toBeLessThan(0.55 / 2);
    }
  });

  test("saved from two ranks, has every tensor of transformers' files bit for bit", async () => {
    const saveTo = join(root, model);
    const outcomes = await load(goldenFolder(model), { mesh: { tp: 2 }, saveTo });
    expect(outcomes.map(({ leaked }) => leaked)).toEqual([0, 0]);
    expect(outcomes[0]!.refusal).toBe(
      'ContractError: saveHuggingFace: model must be the one that config describes:\n- parameter "tokenEmbedding.weight" is split, so group must be given; use group: world.group.',
    );
    const again = await load(saveTo, { mesh: { tp: 1 } });
    // BF16 weights are saved as F32 here: the same values.
    expect(largestDifference(again, model)).toBeLessThan(1e-5);
    if (model !== "gpt2") return;
    const [from, to] = [goldenFolder(model), saveTo].map((folder) =>
      SafetensorsFile.open(join(folder, "model.safetensors")),
    );
    expect([...to!.header.tensors.keys()].sort()).toEqual([...from!.header.tensors.keys()].sort());
    for (const name of from!.header.tensors.keys()) {
      expect(Buffer.compare(to!.readBytes(name), from!.readBytes(name)), name).toBe(0);
    }
    from!.close();
    to!.close();
  });
});

test("three ranks with uneven vocabularies", async () => {
  const outcomes = await load(goldenFolder("gpt2"), { mesh: { tp: 3 } });
  expect(largestDifference(outcomes, "gpt2")).toBeLessThan(1e-5);
});
