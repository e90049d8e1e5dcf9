import { expectTwins } from "../../core/test/mpi/expect-twins.ts";
import type { TwinProgram } from "../../core/test/mpi/twins.ts";
import type { ContextParallelOptions } from "./programs/context-parallel-model.ts";
import type { DataParallelTwinOptions } from "./programs/data-parallel-twin.ts";
import type { GPTTwinOptions } from "./programs/gpt-twin.ts";
import type { PlanTwinOptions } from "./programs/parallelize-twin.ts";
import type { PathFacts, PathOptions } from "./programs/redistribute-paths.ts";

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

/** Costs of paths are measured times. */
function withoutTimes(result: unknown, { program }: TwinProgram): unknown {
  if (!program.endsWith("redistribute-paths.ts")) return result;
  const { cases, growth } = result as PathFacts;
  return { cases, growth };
}

expectTwins("Sharded programs over MPI", { two: ON_TWO, four: ON_FOUR }, withoutTimes);
