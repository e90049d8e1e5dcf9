/**
 * Trains the same GPT on threads and over MPI, and prints what came out of each as JSON. Started by mpirun; arguments: the number
 * of ranks, and `deterministic` or `free` for the order in which MPI reduces. `mpi.test.ts` compares.
 *
 * @packageDocumentation
 */
import { createWorld, type WorldHandle } from "@meshwright/core";
import { createSchedule } from "@meshwright/pipeline";
import type { TrainOptions } from "./run-data.ts";
import { SMALL_TRAINING } from "./small-training.ts";
import type train from "./train.ts";

/** One mesh on each transport. */
export interface TwinRun {
  readonly name: string;
  readonly transport: "mpi" | "threads";
  readonly losses: readonly number[];
  readonly finalHash: string;
  /** Groups in which a training step reduces. */
  readonly reducing: readonly string[];
}

type Mesh = Pick<TrainOptions, "mesh" | "pipeline">;

const ONE_F_ONE_B = createSchedule("1f1b", { numRanks: 2, numMicroBatches: 2 });
const MESHES: Readonly<Record<string, Readonly<Record<string, Mesh>>>> = {
  "2 free": {
    "tensor parallel": { mesh: { dp: 1, pp: 1, tp: 2 }, pipeline: undefined },
    "in a pipeline": { mesh: { dp: 1, pp: 2, tp: 1 }, pipeline: ONE_F_ONE_B },
  },
  "4 deterministic": {
    "tensor parallel on four": { mesh: { dp: 1, pp: 1, tp: 4 }, pipeline: undefined },
    "data parallel on four": { mesh: { dp: 4, pp: 1, tp: 1 }, pipeline: undefined },
  },
  "4 free": {
    "tensor parallel in a pipeline": { mesh: { dp: 1, pp: 2, tp: 2 }, pipeline: ONE_F_ONE_B },
    "data and tensor parallel": { mesh: { dp: 2, pp: 1, tp: 2 }, pipeline: undefined },
  },
  "8 free": { "in three dimensions": { mesh: { dp: 2, pp: 2, tp: 2 }, pipeline: ONE_F_ONE_B } },
};

const OPTIONS: Omit<TrainOptions, "mesh" | "pipeline"> = {
  ...SMALL_TRAINING,
  steps: 3,
  checkpoints: undefined,
};

const [ranks, order] = [Number(process.argv[2]), process.argv[3]!];
// Only rank 0 gets any further than this line.
const worlds: Readonly<Record<TwinRun["transport"], WorldHandle>> = {
  mpi: await createWorld({ ranks, seed: 1, engine: "wasm", deterministic: order === "deterministic" }),
  threads: await createWorld({ ranks, seed: 1, engine: "wasm", transport: "threads" }),
};
const runs: TwinRun[] = [];
for (const [name, mesh] of Object.entries(MESHES[`${ranks} ${order}`]!)) {
  for (const transport of ["mpi", "threads"] as const) {
    const url = new URL("./train.ts", import.meta.url);
    const [first] = await worlds[transport].run<typeof train>(url, { ...OPTIONS, ...mesh });
    const { losses, finalHash, communication } = first!;
    const reductions = communication.filter(({ collective }) => /reduce/i.test(collective));
    const reducing = [...new Set(reductions.map(({ group }) => group))].toSorted();
    runs.push({ name, transport, losses: [...losses], finalHash, reducing });
  }
}
await worlds.threads.close();
await worlds.mpi.close();
console.log(JSON.stringify(runs));
