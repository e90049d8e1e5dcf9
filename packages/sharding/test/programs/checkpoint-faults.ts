/**
 * Saves and loads a model of two parameters, with everything that can be wrong.
 */
import { defineProgram, initialize, nodeFiles, Parameter, type CheckpointFiles } from "@meshwright/core";
import {
  createMesh,
  loadCheckpoint,
  parameterShard,
  saveCheckpoint,
  Shard,
  toLocal,
  type DeviceMesh,
} from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";

/** What to do. */
export interface FaultRun {
  readonly dir: string;
  readonly action:
    "save" | "load" | "save async" | "save on a full disk" | "save apart" | "save twice async" | "stages";
  readonly step?: number;
  readonly keep?: number;
  readonly config?: string;
  /** Rows of `w`; default 5. */
  readonly rows?: number;
  /** Default `["w", "b"]`; `w` is split by rows. */
  readonly names?: readonly string[];
  readonly verify?: boolean;
  readonly dataPosition?: "function" | "NaN";
}

/** `Name: message` of what was thrown; the parts of the parameters on this rank after loading. */
export interface FaultOutcome {
  readonly thrown: string;
  readonly values?: Readonly<Record<string, readonly number[]>>;
  readonly leaked: number;
}

type Mesh = DeviceMesh<{ tp: number }>;

function buildModel(mesh: Mesh, { rows = 5, names = ["w", "b"] }: FaultRun): Record<string, Parameter> {
  const initializer = { kind: "uniform", bound: 1 } as const;
  return Object.fromEntries(
    names.map((name) => {
      const shape = name === "w" ? [rows, 3] : [4];
      const shard = name === "w" ? { shard: parameterShard(shape, mesh, { tp: Shard(0) }) } : {};
      return [name, new Parameter({ shape, initializer, ...shard })];
    }),
  );
}

/** Rank 1 cannot write all of its file. */
function fullDisk(): CheckpointFiles {
  return {
    ...nodeFiles,
    create(path) {
      const file = nodeFiles.create(path);
      if (!path.includes("shard-00001")) return file;
      let numWrites = 0;
      return {
        ...file,
        write(bytes) {
          if (++numWrites === 2) throw new Error("ENOSPC: no space left on device, write");
          file.write(bytes);
        },
      };
    },
  };
}

/** A disk of rank 1 alone, where the folder of an earlier save of this step lies about. */
function apart(rank: number, dir: string): CheckpointFiles {
  if (rank === 0) return nodeFiles;
  const own = (path: string): string => path.replace(dir, `${dir} of rank ${rank}`);
  return {
    ...nodeFiles,
    exists: (path) => nodeFiles.exists(own(path)),
    open: (path) => nodeFiles.open(own(path)),
    create: (path) => nodeFiles.create(own(path)),
    rename: (from, to) => {
      nodeFiles.rename(own(from), own(to));
    },
  };
}

export default defineProgram<FaultRun, unknown, FaultOutcome>(async ({ world, options }) => {
  const mesh = createMesh(world, { tp: world.size });
  if (options.action === "stages") return saveAndLoadStages(mesh, options);
  const model = buildModel(mesh, options);
  const before = tf.memory().numTensors;
  const seed = options.action === "load" ? 2 : 1;
  initialize(model, { seed });
  const thrown = await textOf(() => act(model, mesh, options));
  const entries = Object.entries(model).map(
    ([name, { variable }]) => [name, [...toLocal(variable).values]] as const,
  );
  const values = Object.fromEntries(entries);
  for (const parameter of Object.values(model)) parameter.dispose();
  return { thrown, values, leaked: tf.memory().numTensors - before };
});

async function act(model: Record<string, Parameter>, mesh: Mesh, options: FaultRun): Promise<unknown> {
  const { dir, action, step = 1, keep, config, verify } = options;
  const positions = { function: (() => 1) as unknown as string, NaN: NaN };
  const state = {
    ...{ model, step, config },
    ...(options.dataPosition && { dataPosition: positions[options.dataPosition] }),
  };
  const saving = { mesh, ...(keep !== undefined && { keep }) };
  if (action === "load")
    return loadCheckpoint(dir, { model, config }, { mesh, ...(verify !== undefined && { verify }) });
  if (action === "save on a full disk") return saveCheckpoint(dir, state, { ...saving, files: fullDisk() });
  if (action === "save apart") {
    return saveCheckpoint(dir, state, { ...saving, files: apart(mesh.world.rank, dir) });
  }
  if (action === "save") return saveCheckpoint(dir, state, saving);
  const pending = await saveCheckpoint(dir, state, { ...saving, async: true });
  if (action === "save twice async") {
    // The second waits for the first, which nobody awaited.
    await (await saveCheckpoint(dir, { ...state, step: step + 1 }, { ...saving, async: true })).finished();
  }
  return pending.finished();
}

/** Two stages of a pipeline, whose ranks hold different parameters and one that both have. */
async function saveAndLoadStages(mesh: Mesh, { dir }: FaultRun): Promise<FaultOutcome> {
  const initializer = { kind: "uniform", bound: 1 } as const;
  const model = Object.fromEntries(
    ["first", "second", "tied"].map((name) => [name, new Parameter({ shape: [2, 3], initializer })]),
  );
  const own = [mesh.world.rank === 0 ? "first" : "second", "tied"];
  const parameters = new Map(own.map((name) => [name, model[name]!]));
  initialize(model, { seed: 6, only: (name) => own.includes(name) });
  const valuesNow = () =>
    Object.fromEntries(own.map((name) => [name, [...toLocal(model[name]!.variable).values]]));
  const saved = valuesNow();
  await saveCheckpoint(dir, { model, parameters, step: 3 }, { mesh, pipelineAxis: "tp" });
  for (const parameter of parameters.values()) parameter.assign(tf.zeros([2, 3]));
  await loadCheckpoint(dir, { model, parameters }, { mesh });
  return {
    thrown: JSON.stringify(valuesNow()) === JSON.stringify(saved) ? "nothing" : "other values",
    leaked: 0,
  };
}

async function textOf(body: () => Promise<unknown>): Promise<string> {
  try {
    await body();
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  }
  return "nothing";
}
