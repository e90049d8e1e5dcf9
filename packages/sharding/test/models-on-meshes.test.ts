/**
 * A GPT and a Llama in every way to split their training: the numbers of one rank, and no more communication than the
 * papers say is needed.
 */
import { readFile } from "node:fs/promises";
import { beforeAll, describe, expect, test } from "vitest";
import { compareWithDense } from "../src/inspect/compare-with-dense.ts";
import { documentFile, documentText } from "./models-on-meshes/document.ts";
import { predictStep, totalsOf } from "./models-on-meshes/predict-step.ts";
import { DENSE, MODELS, numRanks, SETTINGS } from "./models-on-meshes/settings.ts";
import { trainAll, type Training } from "./models-on-meshes/train-all.ts";

const STEPS = 20;
/** Eight ranks on two cores start slowly; a hang limit, not a bound on time. */
const HANG_MS = 600_000;

let trainings: readonly Training[];

beforeAll(async () => {
  trainings = await trainAll(STEPS);
}, HANG_MS);

function trainingOf(model: string, setting: string): Training {
  return trainings.find((training) => training.model === model && training.setting.name === setting)!;
}

describe.each(MODELS)("a %s, trained for 20 steps", (model) => {
  test.each(SETTINGS)("on $name has the losses and weights of one rank", ({ name, mesh }) => {
    const { ranks } = trainingOf(model, name);
    const dense = trainingOf(model, DENSE.name).ranks[0]!.values;
    expect(ranks).toHaveLength(numRanks(mesh));
    const comparisons = compareWithDense(dense, {
      ...{ mesh, ranks: ranks.map(({ values }) => values), magnitudeFloor: 1e-3 },
    });
    expect(comparisons.length).toBeGreaterThan(20);
    const [losses, ...weights] = comparisons;
    // 1e-4 is what is promised. A loss near 2.5 has steps of 2e-7, and only reordered float32 sums may move it.
    expect([losses!.name, losses!.difference < 1e-6]).toEqual(["losses", true]);
    // Reordered sums of 20 steps, relative to the largest weight of each parameter. AdamW divides a gradient by its own
    // size plus epsilon (1e-4), so a gradient that is only rounding (a key's bias, which softmax cancels) moves nothing.
    const wrong = weights.filter(({ difference }) => !(difference < 1e-5));
    expect(wrong).toEqual([]);
    const numbers = ranks.map(({ values }) => [...values.losses!.values]);
    for (const other of numbers) expect(other).toEqual(numbers[0]);
    expect(numbers[0]!.at(-1)).toBeLessThan(numbers[0]![0]! - 0.1);
    expect(ranks.map(({ leaked }) => leaked)).toEqual(ranks.map(() => 0));
  });

  test.each(SETTINGS)("on $name communicates what the formulas say, on every rank", ({ name }) => {
    const { setting, ranks } = trainingOf(model, name);
    ranks.forEach(({ totals }, rank) => {
      expect(totalsOf(totals)).toEqual(totalsOf(predictStep({ model, setting, rank })));
    });
  });
});

test("docs/communication.md is the table of these counts", async () => {
  expect(await readFile(documentFile, "utf8")).toBe(await documentText(trainings));
});
