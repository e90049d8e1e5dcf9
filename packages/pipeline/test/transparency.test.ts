import { createWorld, type WorldHandle } from "@meshwright/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type program from "./programs/gpt-twin.ts";
import type { PipelineCase, TwinResult } from "./programs/gpt-twin.ts";

const PROGRAM = new URL("./programs/gpt-twin.ts", import.meta.url);
const STEPS = 5;

/** Softmax cancels a key's bias: its gradient is rounding, which Adam divides by its own size. */
const isDetermined = (name: string): boolean => !name.endsWith("attention.key.bias");

let world: WorldHandle;
let dense: TwinResult;
beforeAll(async () => {
  world = await createWorld({ ranks: 8 });
  const options = { pipeline: undefined, steps: STEPS };
  [dense] = (await world.run<typeof program>(PROGRAM, options, { ranks: 1 })) as [TwinResult];
});
afterAll(() => world.close());

/** The largest difference, relative to the largest magnitude, which counts as 1e-3 at least. */
function difference(actual: Float32Array, expected: Float32Array): number {
  expect(actual).toHaveLength(expected.length);
  const scale = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-3);
  return actual.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i]!)), 0) / scale;
}

function expectTwin(results: readonly TwinResult[]): void {
  const names = new Set<string>();
  for (const result of results) {
    expect(result.initialHash).toBe(dense.initialHash);
    // Reordered float32 sums of at most a few hundred terms.
    for (const key of ["losses", "norms"] as const) {
      expect(difference(Float32Array.from(result[key]), Float32Array.from(dense[key]))).toBeLessThan(1e-5);
    }
    for (const [name, gradient] of Object.entries(result.gradients)) {
      names.add(name);
      expect(difference(gradient, dense.gradients[name]!), `gradient of ${name}`).toBeLessThan(1e-5);
    }
    for (const [name, weight] of Object.entries(result.weights).filter(([name]) => isDetermined(name))) {
      // Five steps of Adam carry the rounding of gradients into weights of about 0.02 to 1.
      const largest = weight.reduce(
        (most, value, i) => Math.max(most, Math.abs(value - dense.weights[name]![i]!)),
        0,
      );
      expect(largest, name).toBeLessThan(1e-5);
    }
    expect(Math.abs(result.evaluation - dense.evaluation)).toBeLessThan(1e-5);
    expect(difference(result.prediction, dense.prediction)).toBeLessThan(1e-4);
    expect(new Set(result.numTensors.slice(1)).size, `tensors ${result.numTensors.join()}`).toBe(1);
    expect(result.timesRise).toBe(true);
  }
  expect([...names].sort()).toEqual(Object.keys(dense.gradients).sort());
}

interface Case {
  readonly what: string;
  readonly mesh: PipelineCase["mesh"];
  readonly schedule: PipelineCase["schedule"];
  readonly costs?: readonly number[];
  readonly peakLive?: readonly number[];
  readonly layers?: readonly number[];
}

const pp2 = { pp: 2 };
const pp3 = { pp: 3 };
const pp4 = { pp: 4 };
const pp2tp2 = { pp: 2, tp: 2 };
const dp2pp2 = { dp: 2, pp: 2 };
const all2 = { dp: 2, tp: 2, pp: 2 };

const CASES: readonly Case[] = [
  { what: "gpipe, 1", mesh: pp2, schedule: { name: "gpipe", numMicroBatches: 1 }, peakLive: [1, 1] },
  { what: "gpipe, 4", mesh: pp2, schedule: { name: "gpipe", numMicroBatches: 4 }, peakLive: [4, 4] },
  {
    what: "gpipe with recompute, 5",
    mesh: pp2,
    schedule: { name: "gpipe", numMicroBatches: 5, recompute: true },
    peakLive: [5, 5],
  },
  { what: "1f1b, 9", mesh: pp2, schedule: { name: "1f1b", numMicroBatches: 9 }, peakLive: [2, 1] },
  {
    what: "interleaved, 6",
    mesh: pp2,
    schedule: { name: "interleaved", numMicroBatches: 6, chunksPerRank: 3 },
    peakLive: [7, 5],
  },
  {
    what: "looped-bfs, 3",
    mesh: pp2,
    schedule: { name: "looped-bfs", numMicroBatches: 3 },
    peakLive: [6, 6],
  },
  { what: "zb-h1, 7", mesh: pp2, schedule: { name: "zb-h1", numMicroBatches: 7 }, peakLive: [2, 2] },
  { what: "zbv, 8", mesh: pp2, schedule: { name: "zbv", numMicroBatches: 8 }, peakLive: [4, 4] },
  {
    what: "gpipe, 5",
    mesh: pp3,
    schedule: { name: "gpipe", numMicroBatches: 5 },
    peakLive: [5, 5, 5],
    layers: [3, 3, 2],
  },
  {
    what: "1f1b with uneven costs, 7",
    mesh: pp3,
    schedule: { name: "1f1b", numMicroBatches: 7 },
    costs: [1, 1, 1, 1, 2, 2, 3, 1],
    peakLive: [3, 2, 1],
    layers: [4, 2, 2],
  },
  {
    what: "interleaved, 3",
    mesh: pp3,
    schedule: { name: "interleaved", numMicroBatches: 3 },
    peakLive: [6, 6, 4],
  },
  { what: "looped-bfs, 4", mesh: pp3, schedule: { name: "looped-bfs", numMicroBatches: 4, recompute: true } },
  { what: "zb-h1, 2", mesh: pp3, schedule: { name: "zb-h1", numMicroBatches: 2 } },
  { what: "zbv, 1", mesh: pp3, schedule: { name: "zbv", numMicroBatches: 1 } },
  { what: "gpipe, 3", mesh: pp4, schedule: { name: "gpipe", numMicroBatches: 3, recompute: true } },
  { what: "1f1b, 2", mesh: pp4, schedule: { name: "1f1b", numMicroBatches: 2 }, peakLive: [2, 2, 2, 1] },
  {
    what: "interleaved, 8",
    mesh: pp4,
    schedule: { name: "interleaved", numMicroBatches: 8 },
    peakLive: [11, 9, 7, 5],
  },
  { what: "looped-bfs, 6", mesh: pp4, schedule: { name: "looped-bfs", numMicroBatches: 6 } },
  { what: "zb-h1, 9", mesh: pp4, schedule: { name: "zb-h1", numMicroBatches: 9 } },
  { what: "zbv, 9", mesh: pp4, schedule: { name: "zbv", numMicroBatches: 9 } },
  { what: "gpipe, 2", mesh: pp2tp2, schedule: { name: "gpipe", numMicroBatches: 2 } },
  {
    what: "gpipe with recompute, 3",
    mesh: pp2tp2,
    schedule: { name: "gpipe", numMicroBatches: 3, recompute: true },
  },
  { what: "1f1b, 4", mesh: pp2tp2, schedule: { name: "1f1b", numMicroBatches: 4 }, peakLive: [2, 1] },
  { what: "interleaved, 4", mesh: pp2tp2, schedule: { name: "interleaved", numMicroBatches: 4 } },
  { what: "looped-bfs, 2", mesh: pp2tp2, schedule: { name: "looped-bfs", numMicroBatches: 2 } },
  { what: "zb-h1, 5", mesh: pp2tp2, schedule: { name: "zb-h1", numMicroBatches: 5 } },
  { what: "zbv, 3", mesh: pp2tp2, schedule: { name: "zbv", numMicroBatches: 3 } },
  { what: "gpipe, 9", mesh: dp2pp2, schedule: { name: "gpipe", numMicroBatches: 9 } },
  {
    what: "gpipe with recompute, 2",
    mesh: dp2pp2,
    schedule: { name: "gpipe", numMicroBatches: 2, recompute: true },
  },
  { what: "1f1b, 4", mesh: dp2pp2, schedule: { name: "1f1b", numMicroBatches: 4 } },
  { what: "interleaved, 2", mesh: dp2pp2, schedule: { name: "interleaved", numMicroBatches: 2 } },
  { what: "looped-bfs, 5", mesh: dp2pp2, schedule: { name: "looped-bfs", numMicroBatches: 5 } },
  { what: "zb-h1, 3", mesh: dp2pp2, schedule: { name: "zb-h1", numMicroBatches: 3 } },
  { what: "zbv, 4", mesh: dp2pp2, schedule: { name: "zbv", numMicroBatches: 4 } },
  {
    what: "1f1b with recompute, 4",
    mesh: all2,
    schedule: { name: "1f1b", numMicroBatches: 4, recompute: true },
  },
  { what: "zbv, 3", mesh: all2, schedule: { name: "zbv", numMicroBatches: 3 } },
  { what: "interleaved, 2", mesh: all2, schedule: { name: "interleaved", numMicroBatches: 2 } },
];

function numRanks({ dp = 1, tp = 1, pp }: PipelineCase["mesh"]): number {
  return dp * tp * pp;
}

describe.each([2, 3, 4, 8])("a pipeline on %i ranks equals one rank without", (ranks) => {
  const cases = CASES.filter(({ mesh }) => numRanks(mesh) === ranks);
  test.each(cases.map((one) => [JSON.stringify(one.mesh), one.what, one] as const))(
    "%s: %s",
    async (_, __, one) => {
      const { mesh, schedule, costs, peakLive, layers } = one;
      const pipeline = { mesh, schedule, ...(costs && { costs }) };
      const results = await world.run<typeof program>(PROGRAM, { pipeline, steps: STEPS }, { ranks });
      expectTwin(results);
      if (peakLive !== undefined) {
        // The axes are dp, pp, tp in this order.
        const { dp = 1, tp = 1, pp } = mesh;
        const expected = Array.from(
          { length: dp * pp * tp },
          (_, rank) => peakLive[Math.floor(rank / tp) % pp],
        );
        expect(results.map((result) => result.peakLive)).toEqual(expected);
      }
      if (layers !== undefined) expect(results[0]!.layersPerStage).toEqual(layers);
    },
  );
});

describe("a pipeline in checked mode", () => {
  let world: WorldHandle;
  beforeAll(async () => {
    world = await createWorld({ ranks: 4, checked: true });
  });
  afterAll(() => world.close());

  test.each([dp2pp2, pp2tp2])("on %o compares replicas of a stage only", async (mesh) => {
    const pipeline = { mesh, schedule: { name: "1f1b", numMicroBatches: 3 } };
    expectTwin(await world.run<typeof program>(PROGRAM, { pipeline, steps: STEPS }));
  });
});

describe("the order of actions on a rank", () => {
  test("is the schedule's, and recomputing keeps less", async () => {
    const run = (schedule: PipelineCase["schedule"]): Promise<TwinResult[]> =>
      world.run<typeof program>(PROGRAM, { pipeline: { mesh: pp2, schedule }, steps: 1 }, { ranks: 2 });
    const [plain] = await run({ name: "gpipe", numMicroBatches: 3 });
    expect(plain!.actions.join(" ")).toBe("F0.0 F1.0 F2.0 B0.0 B1.0 B2.0");
    const [again] = await run({ name: "gpipe", numMicroBatches: 3, recompute: true });
    // The input of the first stage: 11 sequences of 5 int32 tokens.
    expect(again!.peakBytes).toBe(11 * 5 * 4);
    expect(plain!.peakBytes).toBeGreaterThan(20 * again!.peakBytes);
    const [, last] = await run({ name: "zb-h1", numMicroBatches: 2 });
    expect(last!.actions.join(" ")).toBe("F0.0 I0.0 F1.0 I1.0 W0.0 W1.0");
  });
});
