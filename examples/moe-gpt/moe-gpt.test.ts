import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createWorld, type WorldHandle } from "@meshwright/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { MoEJson } from "./results.ts";
import type { MoETrainOptions, MoETrainResult } from "./run-data.ts";
import type train from "./train.ts";

const folder = mkdtempSync(join(tmpdir(), "meshwright-moe-gpt-"));
let world: WorldHandle;
beforeAll(async () => {
  world = await createWorld({ ranks: 2, seed: 1 });
});
afterAll(async () => {
  await world.close();
  rmSync(folder, { recursive: true });
});

const STEPS = 4;
/** Choices per layer and step: 4 sequences of 8 tokens, 2 experts each. */
const CHOICES = 4 * 8 * 2;

const OPTIONS: Omit<MoETrainOptions, "mesh" | "moe"> = {
  ...{ pipeline: undefined, checkpoints: undefined, seed: 1, batchSize: 4, steps: STEPS },
  tokens: Int32Array.from({ length: 600 }, (_, i) => (i * i) % 11),
  model: { vocabSize: 11, contextLength: 8, features: 12, heads: 2, layers: 2 },
  schedule: { peak: 1e-2, warmupSteps: 2, totalSteps: STEPS, floor: 1e-3 },
  ...{ validateEvery: 2, validationBatches: 1, prompt: [1], sampleTokens: 2 },
};

async function run(ranks: number, moe: Partial<MoETrainOptions["moe"]>): Promise<MoETrainResult[]> {
  const options = {
    ...OPTIONS,
    mesh: { dp: 1, pp: 1, ep: ranks, tp: 1 },
    moe: { numExperts: 4, topK: 2, hidden: 24, seed: 1, ...moe },
  };
  return world.run<typeof train>(new URL("./train.ts", import.meta.url), options, { ranks });
}

describe.each([
  ["a loss and a capacity", { balance: { loss: 0.01 }, capacity: { factor: 1 } }],
  ["a bias, experts in every other block", { balance: { biasRate: 0.1 }, everyNth: 2 }],
] as const)("a training with %s", (_, moe) => {
  test("is the same on two ranks as on one, with the same load on every rank", async () => {
    const [one] = await run(1, moe);
    const [first, second] = await run(2, moe);
    expect(first!.parameterHash).toBe(one!.parameterHash);
    for (const [step, loss] of one!.losses.entries()) {
      // Sums over tokens are added up in another order.
      expect(Math.abs(first!.losses[step]! - loss)).toBeLessThan(1e-5);
    }
    expect(first!.sample).toEqual(one!.sample);
    expect(first!.load).toEqual(one!.load);
    expect(second!.load).toEqual(first!.load);
    const layers = "everyNth" in moe ? ["blocks.1.mlp"] : ["blocks.0.mlp", "blocks.1.mlp"];
    expect(one!.load.map(({ layer }) => layer)).toEqual(layers);
    for (const { steps } of one!.load) {
      // Training steps only: neither validation nor the sample is in it.
      expect(steps.map(({ step }) => step)).toEqual([1, 2, 3, 4]);
      for (const { counts, dropped, tokens } of steps) {
        expect(counts.reduce((a, b) => a + b, 0)).toBe(CHOICES);
        expect(tokens).toBe(CHOICES / 2);
        const overfull = counts.reduce((sum, count) => sum + Math.max(0, count - CHOICES / 4), 0);
        expect(dropped).toBe("capacity" in moe ? overfull : 0);
      }
    }
  });
});

describe("pnpm example moe-gpt", () => {
  const small =
    "--mesh ep=2 --steps 4 --features 16 --heads 2 --layers 2 --context-length 8 --batch-size 4 --sample-tokens 2 --no-progress";

  test("writes what the main job writes, and the load, the parameters and the dense model", async () => {
    const [json, report] = [join(folder, "result.json"), join(folder, "report")];
    const args = [...small.split(" "), "--capacity-factor", "1", "--json", json, "--report", report];
    const runner = fileURLToPath(new URL("../run.mjs", import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, [runner, "moe-gpt", ...args]);
    const result = JSON.parse(readFileSync(json, "utf8")) as MoEJson;
    expect(result.losses).toHaveLength(STEPS);
    expect(result.losses.every(Number.isFinite)).toBe(true);
    expect(result.mesh).toEqual({ dp: 1, ep: 2, tp: 1 });
    expect(result).toMatchObject({ ranks: 2, experts: 8, topK: 2, balance: "loss" });
    // 2 blocks of 8 experts with 16 x 32 and 32 x 16 weights, of which 6 are idle
    expect(result.totalParameters - result.activeParameters).toBe(2 * 6 * 2 * 16 * 32);
    expect(result.parameters).toBe(result.totalParameters);
    const { active, dense, activeExperts, denseAllExperts } = result.flopsPerToken;
    expect(active - dense).toBe(2 * 2 * 16 * 8); // the gates
    expect(activeExperts / denseAllExperts).toBe(2 / 8);
    expect(result.expertLoad.map(({ layer, counts }) => [layer, counts.length])).toEqual([
      ["blocks.0.mlp", STEPS],
      ["blocks.1.mlp", STEPS],
    ]);
    for (const { counts } of result.expertLoad)
      for (const step of counts) expect(step.reduce((a, b) => a + b, 0)).toBe(CHOICES);
    const finals = result.expertLoad.map(({ final }) => final);
    expect(result.imbalance).toBe(Math.max(...finals.map(({ imbalance }) => imbalance)));
    expect(result.dropRate).toBeCloseTo((finals[0]!.dropRate + finals[1]!.dropRate) / 2, 12);
    expect(result.dropRate).toBeGreaterThan(0);
    expect(result.dense!.losses).toHaveLength(STEPS);
    expect(result.dense!.parameters).toBeLessThan(result.totalParameters);
    expect(Object.keys(result.bytesPerStep.ep!)).toEqual(expect.arrayContaining(["allToAll", "allReduce"]));

    expect(stdout).toContain("75.0% fewer expert FLOPs than if every token visited every expert");
    expect(stdout).toContain(`worst imbalance ${result.imbalance.toFixed(3)} with balance loss`);
    const page = readFileSync(join(report, "report.html"), "utf8");
    expect(page).toContain(">Load of experts</h2>");
    expect(page).toContain("blocks.1.mlp sends tokens to 8 experts in steps 1 to 4.");
    const metrics = readFileSync(join(report, "metrics.jsonl"), "utf8").trim().split("\n");
    const models = metrics.map((line) => (JSON.parse(line) as { readonly model: string }).model);
    expect([...new Set(models)]).toEqual(["experts", "dense"]);
  });
});
