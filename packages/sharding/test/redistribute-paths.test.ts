import { createWorld, type WorldHandle } from "@meshwright/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type program from "./programs/redistribute-paths.ts";
import type { PathFacts, PathOptions } from "./programs/redistribute-paths.ts";

const PROGRAM = new URL("./programs/redistribute-paths.ts", import.meta.url);

const SLOW = { bandwidth: 1e6, latencyMs: 0.01 };
const FAST = { bandwidth: 1e12, latencyMs: 0.001 };

let world: WorldHandle;
beforeAll(async () => {
  world = await createWorld({ ranks: 8 });
});
afterAll(() => world.close());

async function runAll(ranks: number, runs: readonly PathOptions[]): Promise<PathFacts[][]> {
  const results: PathFacts[][] = [];
  for (const options of runs) results.push(await world.run<typeof program>(PROGRAM, options, { ranks }));
  return results;
}

describe.each([
  [2, [{ axes: { tp: 2 }, numCases: 60, seed: 3 }]],
  [
    4,
    [
      { axes: { tp: 4 }, numCases: 60, seed: 5 },
      { axes: { dp: 2, tp: 2 }, numCases: 120, seed: 7 },
      { axes: { dp: 2, tp: 2 }, costs: { dp: SLOW, tp: FAST }, numCases: 120, seed: 11 },
      { axes: { dp: 2, pp: 1, tp: 2 }, costs: { tp: SLOW }, without: "pp", numCases: 60, seed: 13 },
    ],
  ],
  [
    6,
    [
      { axes: { dp: 2, tp: 3 }, numCases: 120, seed: 17 },
      { axes: { dp: 3, tp: 2 }, costs: { dp: FAST, tp: SLOW }, numCases: 120, seed: 19 },
    ],
  ],
  [8, [{ axes: { dp: 2, cp: 2, tp: 2 }, costs: { cp: SLOW }, numCases: 120, seed: 23 }]],
] satisfies [number, PathOptions[]][])("redistribute on %i ranks", (ranks, runs) => {
  let results: PathFacts[][];

  beforeAll(async () => {
    results = await runAll(ranks, runs);
  });

  test("sends what explainRedistribute says, on every rank, to the byte, and moves the values", () => {
    results.forEach((facts, run) => {
      const { axes, numCases } = runs[run]!;
      const used = new Set<string>();
      facts.forEach(({ cases, growth }, rank) => {
        expect(cases.length).toBe(numCases);
        for (const { name, predicted, counted, wrong, arrived } of cases) {
          const what = `${JSON.stringify(axes)}, rank ${rank}, ${name}`;
          expect(counted, what).toEqual(predicted);
          expect(wrong, what).toBe(0);
          expect(arrived, what).toBe(true);
          for (const [group, collective] of counted) used.add(`${collective} ${group}`);
        }
        expect(growth).toBe(0);
      });
      // The cases are worth their time: all collectives occurred, along one axis and along several.
      for (const collective of ["allReduce", "allGather", "reduceScatter", "allToAll"]) {
        expect([...used].some((one) => one.startsWith(collective))).toBe(true);
      }
      const numAxes = Object.values(axes).filter((size) => size > 1).length;
      expect([...used].some((one) => one.includes("+"))).toBe(numAxes > 1);
    });
  });

  test("measures every axis, with the same result on all ranks", () => {
    results.forEach((facts, run) => {
      const { measured } = facts[0]!;
      const names = Object.entries(runs[run]!.axes).flatMap(([name, size]) => (size > 1 ? [name] : []));
      expect(Object.keys(measured)).toEqual(names);
      for (const cost of Object.values(measured)) {
        expect(cost!.bandwidth).toBeGreaterThan(0);
        expect(cost!.latencyMs).toBeGreaterThan(0);
      }
      for (const other of facts) expect(other.measured).toEqual(measured);
    });
  });
});
