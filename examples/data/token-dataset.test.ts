import { ContractError } from "@meshwright/core";
import { describe, expect, test } from "vitest";
import { tokenDataset } from "./token-dataset.ts";

/** Tokens that are their own positions, so that a window shows where it was taken. */
const positions = (length: number): Int32Array => Int32Array.from({ length }, (_, index) => index);

describe("tokenDataset", () => {
  test("splits by position and keeps every token", () => {
    const { training, validation } = tokenDataset(positions(57));
    expect([training.length, validation.length]).toEqual([52, 5]);
    expect([...training, ...validation]).toEqual([...positions(57)]);
    expect(tokenDataset(positions(57), { validationShare: 0.5 }).validation).toHaveLength(28);
  });

  test("targets are the inputs one position later", () => {
    const { inputs, targets } = tokenDataset(positions(100)).batchAt(3, {
      batchSize: 4,
      contextLength: 7,
      seed: 1,
    });
    expect(inputs).toHaveLength(28);
    expect(targets).toEqual(inputs.map((position) => position + 1));
    for (let row = 0; row < 4; row++) {
      const start = inputs[row * 7]!;
      expect([...inputs.subarray(row * 7, row * 7 + 7)]).toEqual(
        Array.from({ length: 7 }, (_, t) => start + t),
      );
    }
  });

  test("a batch depends on seed, step and row alone", () => {
    const starts = (step: number, seed: number, batchSize = 5) => {
      const { inputs } = tokenDataset(positions(1000)).batchAt(step, { batchSize, contextLength: 3, seed });
      return [...inputs.filter((_, index) => index % 3 === 0)];
    };
    expect(starts(4, 2)).toEqual(starts(4, 2));
    expect(starts(4, 2, 2)).toEqual(starts(4, 2).slice(0, 2));
    expect(starts(4, 3)).not.toEqual(starts(4, 2));
    expect(starts(5, 2)).not.toEqual(starts(4, 2));
    expect(new Set(starts(4, 2)).size).toBe(5);
    // Fixed for ever: published loss curves rest on it.
    expect(starts(0, 1)).toEqual([719, 400, 734, 28, 233]);
  });

  test("training windows reach the first and the last position, evenly, and never the validation part", () => {
    const dataset = tokenDataset(positions(20)); // 18 training tokens, starts 0..14 with T = 3
    const counts = new Map<number, number>();
    for (let step = 0; step < 300; step++) {
      const { inputs, targets } = dataset.batchAt(step, { batchSize: 10, contextLength: 3, seed: 7 });
      for (let row = 0; row < 10; row++)
        counts.set(inputs[3 * row]!, (counts.get(inputs[3 * row]!) ?? 0) + 1);
      expect(Math.max(...targets)).toBeLessThanOrEqual(17);
    }
    expect([...counts.keys()].sort((a, b) => a - b)).toEqual([...positions(15)]);
    // 3,000 draws into 15 places: 200 each, standard deviation 13.7; 5 of them either way.
    expect(Math.min(...counts.values())).toBeGreaterThan(131);
    expect(Math.max(...counts.values())).toBeLessThan(269);
  });

  test("validation windows are spread over the whole validation part", () => {
    const dataset = tokenDataset(positions(100), { validationShare: 0.23 }); // validation: 77..99
    const batches = dataset.validationBatches({ batchSize: 2, contextLength: 4, numBatches: 3 });
    const starts = batches.flatMap(({ inputs }) => [inputs[0], inputs[4]]);
    expect(starts).toEqual([77, 80, 84, 87, 91, 95]);
    expect(batches.at(-1)?.targets.at(-1)).toBe(99);
    expect(dataset.validationBatches({ batchSize: 1, contextLength: 22, numBatches: 1 })[0]?.inputs[0]).toBe(
      77,
    );
  });

  test.each([
    [
      { batchSize: 0, contextLength: 4 },
      "batchAt: batchSize (0) must be a positive integer; use for example batchSize: 8.",
    ],
    [
      { batchSize: 2, contextLength: 2.5 },
      "batchAt: contextLength (2.5) must be a positive integer; use for example contextLength: 8.",
    ],
    [
      { batchSize: 2, contextLength: 27 },
      "batchAt: contextLength (27) must be less than the number of tokens (27); use a shorter context or a longer text.",
    ],
  ])("a batch of shape %j is an error", (shape, message) => {
    const dataset = tokenDataset(positions(30));
    expect(() => dataset.batchAt(0, { ...shape, seed: 1 })).toThrow(new ContractError(message));
  });

  test("a negative step and an impossible share are errors", () => {
    expect(() =>
      tokenDataset(positions(30)).batchAt(-1, { batchSize: 1, contextLength: 2, seed: 1 }),
    ).toThrow(
      new ContractError("batchAt: step (-1) must be an integer from 0; use the step of the training loop."),
    );
    expect(() => tokenDataset(positions(30), { validationShare: 1 })).toThrow(
      new ContractError("tokenDataset: validationShare (1) must lie between 0 and 1; use for example 0.1."),
    );
  });
});
