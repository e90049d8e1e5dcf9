import { createWorld, type LedgerTotal, type WorldHandle } from "@meshwright/core";
import { memoryTable, packBuckets, type ZeROStage } from "@meshwright/sharding";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type program from "./programs/zero-step.ts";
import type { ZeROStepFacts, ZeROStepOptions } from "./programs/zero-step.ts";

const PROGRAM = new URL("./programs/zero-step.ts", import.meta.url);
const STAGES: readonly ZeROStage[] = [0, 1, 2, 3];
const BYTES = 4;

/** All dims even, so that 2 ranks hold exactly halves and the formulas are exact. */
const EVEN = { vocabSize: 14, contextLength: 6, features: 12, heads: 3, layers: 2, mlpFeatures: 20 };

const elements = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
const bytesOf = ({ parameters }: ZeROStepFacts): number[] =>
  Object.values(parameters).map((shape) => BYTES * elements(shape));
const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

function total(collective: LedgerTotal["collective"], calls: number, bytesSent: number): LedgerTotal {
  return { group: "dp", collective, calls, bytesSent };
}

let world: WorldHandle;
beforeAll(async () => {
  world = await createWorld({ ranks: 3 });
});
afterAll(() => world.close());

describe("one step on 2 ranks", () => {
  const facts = new Map<ZeROStage, ZeROStepFacts>();

  const run = async (options: Partial<ZeROStepOptions>): Promise<ZeROStepFacts> => {
    const defaults = { stage: 0, sizes: EVEN, rows: 4, steps: 4, bucketBytes: 6000 } as const;
    const ranks = await world.run<typeof program>(PROGRAM, { ...defaults, ...options }, { ranks: 2 });
    expect(ranks[1]!.loss).toBe(ranks[0]!.loss);
    return ranks[1]!;
  };

  beforeAll(async () => {
    for (const stage of STAGES) facts.set(stage, await run({ stage }));
  });

  test("reduces gradients with one collective per bucket, and as many bytes as one by one", () => {
    const { gradients, ...rest } = facts.get(0)!;
    const sizes = bytesOf({ gradients, ...rest });
    const buckets = packBuckets(sizes, 6000).length;
    expect(buckets).toBeLessThan(sizes.length / 3);
    // 2 S (N - 1) / N with N = 2.
    expect(gradients).toEqual([total("allReduce", buckets, sum(sizes))]);
    expect(rest.update).toEqual([]);
  });

  test.each<ZeROStage>([1, 2])(
    "at stage %i scatters gradients and gathers parameters, S (N - 1) / N each",
    (stage) => {
      const { gradients, update, clip, ...rest } = facts.get(stage)!;
      const sizes = bytesOf({ gradients, update, clip, ...rest });
      // Stage 2 packs in the order of the backward pass.
      const packed = packBuckets(sizes, 6000).length;
      const calls = stage === 1 ? packed : gradients[0]!.calls;
      expect(Math.abs(calls - packed)).toBeLessThanOrEqual(1);
      expect(gradients).toEqual([total("reduceScatter", calls, sum(sizes) / 2)]);
      expect(update).toEqual([total("allGather", packed, sum(sizes) / 2)]);
      expect(clip).toEqual([total("allReduce", 1, BYTES)]);
    },
  );

  test("at stage 3 gathers each parameter per use, and scatters gradients", () => {
    const { gradients, update, clip, parameters } = facts.get(3)!;
    expect(update).toEqual([]);
    expect(clip).toEqual([total("allReduce", 1, BYTES)]);
    const names = Object.keys(parameters);
    const bytes = (name: string): number => (BYTES * elements(parameters[name]!)) / 2;
    // The backward pass reads weights (for dx) and norm gains, not biases or embeddings.
    const isReadBackward = (name: string): boolean => !/bias|beta|[eE]mbedding/.test(name);
    const backward = names.filter(isReadBackward);
    expect(gradients).toEqual([
      total("allGather", names.length + backward.length, sum([...names, ...backward].map(bytes))),
      total("reduceScatter", gradients[1]!.calls, sum(names.map(bytes))),
    ]);
    const whole = sum(names.map(bytes));
    const sent = sum(gradients.map(({ bytesSent }) => bytesSent));
    // 1.5 times the 2 S (N - 1) / N of data parallelism, less what is not read backward.
    expect(sent).toBeLessThanOrEqual(3 * whole);
    expect(sent).toBeGreaterThan(2.7 * whole);
  });

  test("accumulates partial gradients without communication, and reduces once", async () => {
    const { gradients, gradientEntries } = await run({ stage: 0, microBatches: 3, steps: 1 });
    expect(gradients).toEqual(facts.get(0)!.gradients);
    expect(gradientEntries.every(({ label }) => label.startsWith("gradients, bucket"))).toBe(true);
    const sharded = await run({ stage: 1, microBatches: 3, steps: 1 });
    expect(sharded.gradients).toEqual(facts.get(1)!.gradients);
  });

  test("at stage 2 scatters every micro-batch, because no rank keeps a whole gradient", async () => {
    const { gradients } = await run({ stage: 2, microBatches: 3, steps: 1 });
    const [once] = facts.get(2)!.gradients;
    expect(gradients).toEqual([total("reduceScatter", 3 * once!.calls, 3 * once!.bytesSent)]);
  });

  test.each(STAGES)("at stage %i holds the bytes of the formula, between steps always the same", (stage) => {
    const { bytes, numTensors, parameters } = facts.get(stage)!;
    const row = memoryTable({ parameters: sum(Object.values(parameters).map(elements)), ranks: 2 })[stage]!;
    expect(bytes.parameters).toBe(row.parameters);
    expect(bytes.optimizer).toBe(row.optimizer);
    // At stage 1 gradients are whole only until the end of the backward pass.
    expect(bytes.gradients).toBe(stage === 1 ? row.gradients / 2 : row.gradients);
    expect(new Set(numTensors).size).toBe(1);
    expect(new Set(bytes.live).size).toBe(1);
    // All that lives between steps: parameters, moments and the tokens (int32[2, 6] on a rank).
    expect(bytes.live[0]).toBe(row.parameters + row.optimizer + BYTES * 12);
  });

  test("at stage 2 never has all gradients whole, at stage 3 never all parameters", async () => {
    // Few tokens: parameters outweigh activations.
    const sizes = { vocabSize: 6, contextLength: 2, features: 32, heads: 2, layers: 6 };
    const peaks: number[] = [];
    let whole = 0;
    for (const stage of STAGES) {
      const result = await run({ stage, sizes, rows: 2, steps: 2, bucketBytes: 20_000 });
      whole = sum(bytesOf(result));
      peaks.push(result.bytes.peak);
    }
    const [plain, first, second, third] = peaks.map((peak) => peak / whole);
    // Parameters + gradients + moments, beside activations and, at stages 2 and 3, a bucket and a weight in use.
    expect(plain).toBeGreaterThan(1 + 1 + 2);
    expect(first).toBeGreaterThan(1 + 1 + 2 / 2);
    expect(second).toBeGreaterThan(1 + 2 / 2);
    expect(second).toBeLessThan(1 + 0.8 + 2 / 2);
    expect(third).toBeLessThan(0.5 + 0.8 + 2 / 2);
  });
});

describe("one step on 3 ranks, most of whose dims do not divide", () => {
  test.each<ZeROStage>([1, 3])(
    "at stage %i holds the bytes of the formula but for the rounding of parts",
    async (stage) => {
      const sizes = { vocabSize: 13, contextLength: 7, features: 10, heads: 2, layers: 1, mlpFeatures: 17 };
      const ranks = await world.run<typeof program>(PROGRAM, { stage, sizes, rows: 4, steps: 2 });
      const shapes = Object.values(ranks[0]!.parameters);
      const row = memoryTable({ parameters: sum(shapes.map(elements)), ranks: 3 })[stage]!;
      // Together the ranks hold everything once.
      expect(sum(ranks.map(({ bytes }) => bytes.optimizer))).toBe(3 * row.optimizer);
      // The largest part of a tensor of n rows is ceil(n / 3): less than one row more than a third.
      const rounding = sum(shapes.map((shape) => elements(shape) / Math.max(...shape)));
      for (const { bytes } of ranks) {
        expect(bytes.optimizer).toBeLessThan(row.optimizer + 2 * BYTES * rounding * 2);
        expect(bytes.parameters).toBeLessThan(row.parameters + BYTES * rounding * 2);
      }
    },
  );
});
