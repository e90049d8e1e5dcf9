import { describe, expect, test, vi } from "vitest";
import { HANG_MS, installedMpiruns } from "../../core/test/mpi/mpirun.ts";
import { runTwins, type TwinProgram } from "../../core/test/mpi/twins.ts";
import type { ContextParallelOptions } from "./programs/context-parallel-model.ts";
import type { DataParallelTwinOptions } from "./programs/data-parallel-twin.ts";
import type { GPTTwinOptions } from "./programs/gpt-twin.ts";
import type { PlanTwinOptions } from "./programs/parallelize-twin.ts";
import type { PathFacts, PathOptions } from "./programs/redistribute-paths.ts";

vi.setConfig({ testTimeout: HANG_MS });
const launchers = installedMpiruns();

interface Options {
  readonly "redistribute-paths": PathOptions;
  readonly "gpt-twin": GPTTwinOptions;
  readonly "parallelize-twin": PlanTwinOptions;
  readonly "data-parallel-twin": DataParallelTwinOptions;
  readonly "context-parallel-model": ContextParallelOptions;
}

function twin<Name extends keyof Options>(name: Name, options: Options[Name]): TwinProgram {
  return { program: new URL(`./programs/${name}.ts`, import.meta.url).href, options };
}

const ON_TWO = [
  twin("redistribute-paths", { axes: { tp: 2 }, numCases: 60, seed: 3 }),
  twin("gpt-twin", { mesh: { tp: 2 }, steps: 3, dropout: 0.2, firstGradients: true }),
  twin("context-parallel-model", { mesh: { cp: 2 }, model: "llama", steps: 2 }),
  twin("data-parallel-twin", {
    ...{ mesh: { dp: 2 }, steps: 2, optimizer: "AdamW", variants: [{ stage: 3, microBatches: [2, 3] }] },
  }),
];
const ON_FOUR = [
  twin("redistribute-paths", { axes: { dp: 2, tp: 2 }, numCases: 120, seed: 7 }),
  twin("gpt-twin", { mesh: { tp: 4 }, steps: 3, firstGradients: true }),
  twin("parallelize-twin", { mesh: { dp: 2, tp: 2 }, kind: "llama", isInitialized: true, isWide: false }),
  twin("data-parallel-twin", {
    ...{ mesh: { dp: 4 }, steps: 2, optimizer: "SGD", variants: [{ stage: 1 }, { stage: 2 }] },
  }),
];

describe.skipIf(launchers.length > 0)("Sharded programs over MPI", () => {
  test.skip("need mpirun: install openmpi-bin and libopenmpi-dev, or mpich", () => undefined);
});

/** Costs are measured times. */
const withoutTimes = (paths: readonly unknown[]): unknown =>
  (paths as readonly PathFacts[]).map(({ cases, growth }) => ({ cases, growth }));

describe.runIf(launchers.length > 0)("Sharded programs over MPI", () => {
  test.each([
    ["two", 2, launchers.at(-1)!, ON_TWO],
    ["four", 4, launchers[0]!, ON_FOUR],
  ] as const)(
    "on %s processes return what they return on threads, bit for bit",
    async (_, ranks, launcher, programs) => {
      const [paths, ...trainings] = await runTwins(launcher, ranks, programs);
      expect(trainings).toHaveLength(programs.length - 1);
      expect(withoutTimes(paths!.mpi)).toEqual(withoutTimes(paths!.threads));
      for (const { mpi, threads } of trainings) {
        expect(mpi).toHaveLength(ranks);
        expect(mpi).toEqual(threads);
      }
    },
  );
});
