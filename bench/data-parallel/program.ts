/**
 * What every rank of the data-parallel benchmark runs: reductions of a GPT's gradients, and training steps.
 *
 * @packageDocumentation
 */
import {
  AdamW,
  clipGradNorm,
  crossEntropy,
  defineProgram,
  GPT,
  gradients,
  initialize,
  namedParameters,
  type GPTOptions,
  type LedgerTotal,
  type World,
} from "@meshwright/core";
import {
  countCommunication,
  createMesh,
  DataParallel,
  fromLocal,
  localBytes,
  Partial,
  reduceGradients,
  shard,
  Shard,
  type DeviceMesh,
  type ZeROStage,
} from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";
import { timeHere, type Sample } from "./thread-cpu.ts";

/** Options of the program; the same on every rank. */
export interface DataParallelBenchProgramOptions {
  readonly sizes: GPTOptions;
  /** Sequences per step, over all ranks. */
  readonly rows: number;
  readonly rounds: number;
  readonly warmUp: number;
  /** Bucket sizes to reduce with. */
  readonly bucketBytes: readonly number[];
}

/** Ways to reduce, and to train. */
export type Training = "one by one" | "in buckets" | "stage 1" | "stage 2" | "stage 3";

/** What a way of training communicates per step, and holds between forward pass and update. */
export interface TrainingFacts {
  readonly communication: readonly LedgerTotal[];
  readonly bytes: { readonly parameters: number; readonly gradients: number; readonly optimizer: number };
}

/** What a rank measured. */
export interface DataParallelBenchRank {
  readonly engine: string;
  readonly numTensors: number;
  readonly numParameters: number;
  /** By bytes of a bucket; 1 byte is one by one. One sample per round. */
  readonly reductions: readonly { readonly bucketBytes: number; readonly samples: readonly Sample[] }[];
  readonly steps: Readonly<Record<Training, readonly Sample[]>>;
  readonly facts: Readonly<Record<Training, TrainingFacts>>;
}

type Mesh = DeviceMesh<{ readonly dp: number }>;

/** One way to train. */
interface Trainer {
  step(): void;
  facts(): TrainingFacts;
}

export default defineProgram<DataParallelBenchProgramOptions, never, DataParallelBenchRank>(
  ({ world, options }) => {
    const mesh = createMesh(world, { dp: world.size });
    const shapes = [...namedParameters(new GPT(options.sizes)).values()].map(({ shape }) => shape);
    const reductions = timeReductions(world, mesh, shapes, options);
    const trainers: Record<Training, Trainer> = {
      "one by one": plainTrainer(mesh, options, false),
      "in buckets": plainTrainer(mesh, options, true),
      "stage 1": zeroTrainer(mesh, options, 1),
      "stage 2": zeroTrainer(mesh, options, 2),
      "stage 3": zeroTrainer(mesh, options, 3),
    };
    const names = Object.keys(trainers) as Training[];
    const steps = byName(names, (): Sample[] => []);
    for (let round = -options.warmUp; round < options.rounds; round++) {
      for (const name of names) {
        world.group.barrier();
        const sample = timeHere(() => {
          trainers[name].step();
          world.group.barrier();
        });
        if (round >= 0) steps[name].push(sample);
      }
    }
    return {
      engine: world.engine.name,
      numTensors: shapes.length,
      numParameters: shapes.reduce((total, shape) => total + tf.util.sizeFromShape([...shape]), 0),
      reductions,
      steps,
      facts: byName(names, (name) => trainers[name].facts()),
    };
  },
);

function byName<Name extends string, Value>(
  names: readonly Name[],
  valueOf: (name: Name) => Value,
): Record<Name, Value> {
  return Object.fromEntries(names.map((name) => [name, valueOf(name)])) as Record<Name, Value>;
}

/** Reductions alone, of partial tensors of the parameters' shapes. */
function timeReductions(
  world: World,
  mesh: Mesh,
  shapes: readonly (readonly number[])[],
  { rounds, warmUp, bucketBytes }: DataParallelBenchProgramOptions,
): DataParallelBenchRank["reductions"] {
  const reduce = (limit: number): Sample => {
    const grads = new Map<string, tf.Tensor>();
    shapes.forEach((shape, i) => {
      const values = new Float32Array(tf.util.sizeFromShape([...shape])).fill(i + 1);
      grads.set(String(i), fromLocal({ values, shape }, mesh, { dp: Partial() }));
    });
    world.group.barrier();
    const sample = timeHere(() => {
      reduceGradients(grads, { mesh, axis: "dp", bucketBytes: limit });
      world.group.barrier();
    });
    tf.dispose([...grads.values()]);
    return sample;
  };
  const all = bucketBytes.map((limit) => ({ bucketBytes: limit, samples: [] as Sample[] }));
  for (let round = -warmUp; round < rounds; round++) {
    for (const { bucketBytes: limit, samples } of all) {
      const sample = reduce(limit);
      if (round >= 0) samples.push(sample);
    }
  }
  return all;
}

function lossOf(model: GPT, mesh: Mesh, { sizes, rows }: DataParallelBenchProgramOptions): () => tf.Scalar {
  const values = Int32Array.from({ length: rows * sizes.contextLength }, (_, i) => (i * i) % sizes.vocabSize);
  return () => {
    const tokens = shard(tf.tensor2d(values, [rows, sizes.contextLength], "int32"), mesh, { dp: Shard(0) });
    return crossEntropy(model.apply(tokens), tokens);
  };
}

/** Plain data parallelism. */
function plainTrainer(mesh: Mesh, options: DataParallelBenchProgramOptions, buckets: boolean): Trainer {
  const model = new GPT(options.sizes);
  initialize(model, { seed: 1 });
  const optimizer = new AdamW(namedParameters(model), { learningRate: 1e-4 });
  return trainer(mesh, options, {
    model,
    optimizer,
    gradientsOf: (lossFn) => {
      const result = gradients(model, lossFn);
      if (buckets) reduceGradients(result.grads, { mesh, axis: "dp" });
      return result;
    },
    update: (grads) => {
      optimizer.step(grads);
    },
  });
}

function zeroTrainer(mesh: Mesh, options: DataParallelBenchProgramOptions, stage: ZeROStage): Trainer {
  const model = new GPT(options.sizes);
  const training = new DataParallel(model, { mesh, axis: "dp", stage });
  initialize(model, { seed: 1 });
  const { parameters, createState } = training;
  const optimizer = new AdamW(parameters, { learningRate: 1e-4, createState });
  return trainer(mesh, options, {
    model,
    optimizer,
    gradientsOf: (lossFn) => training.gradients(lossFn),
    update: (grads) => {
      training.step(optimizer, grads);
    },
  });
}

function trainer(
  mesh: Mesh,
  options: DataParallelBenchProgramOptions,
  parts: {
    readonly model: GPT;
    readonly optimizer: AdamW;
    readonly gradientsOf: (lossFn: () => tf.Scalar) => ReturnType<typeof gradients>;
    readonly update: (grads: ReadonlyMap<string, tf.Tensor>) => void;
  },
): Trainer {
  const lossFn = lossOf(parts.model, mesh, options);
  let gradientBytes = 0;
  const step = (): void => {
    const { loss, grads } = parts.gradientsOf(lossFn);
    const clipped = clipGradNorm(grads, 1);
    parts.update(clipped.grads);
    loss.dataSync();
    gradientBytes = localBytes(grads.values());
    tf.dispose([loss, clipped.norm, ...grads.values(), ...clipped.grads.values()]);
  };
  return {
    step,
    facts: () => {
      const { totals } = countCommunication(mesh.world, step);
      const variables = [...namedParameters(parts.model).values()].map(({ variable }) => variable);
      const moments = [...parts.optimizer.states.values()].flatMap(({ m, v }) => [m, v]);
      const bytes = {
        parameters: localBytes(variables),
        gradients: gradientBytes,
        optimizer: localBytes(moments),
      };
      return { communication: totals, bytes };
    },
  };
}
