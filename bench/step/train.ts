/**
 * What every rank of the step benchmark runs: the training step of `examples/gpt`, without validation.
 *
 * @packageDocumentation
 */
import { readFileSync } from "node:fs";
import {
  AdamW,
  clipGradNorm,
  countParameters,
  crossEntropy,
  defineProgram,
  GPT,
  gradients,
  initialize,
  namedParameters,
  noDecayForVectors,
  philox4x32,
  type LedgerTotal,
  type World,
} from "@meshwright/core";
import { countCommunication, createMesh, parallelGPT, Shard, shard } from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";
import { clockCollectives, clockKernels, KernelClock, type StepProfile } from "./kernel-times.ts";
import { awaitTurn, endTurn, type Turns } from "./turns.ts";

/** Sizes of the model and of a batch. */
export interface StepSizes {
  readonly features: number;
  readonly layers: number;
  readonly heads: number;
  readonly vocabSize: number;
  /** Sequences per step, over all ranks. */
  readonly batchSize: number;
  readonly contextLength: number;
}

/** Options of the program; the same on every rank. */
export interface StepOptions {
  readonly sizes: StepSizes;
  /** `null`: plain tfjs without a mesh, on one rank. */
  readonly mesh: { readonly dp: number; readonly tp: number } | null;
  readonly seed: number;
  /** Steps that are not measured, then steps that are, then steps with the clock around every kernel. */
  readonly steps: { readonly warmUp: number; readonly timed: number; readonly profiled: number };
  readonly turns: Turns;
  readonly player: number;
}

/** What a rank measured. */
export interface StepResult {
  readonly engine: string;
  readonly parameters: number;
  /** Nats per token, warm-up steps included. */
  readonly losses: readonly number[];
  /** Wall-clock milliseconds of each timed step. */
  readonly stepMs: readonly number[];
  /** Processor milliseconds of this rank's thread in each timed step; empty where the system does not say. */
  readonly cpuMs: readonly number[];
  /** Of one step. */
  readonly communication: readonly LedgerTotal[];
  /** The fastest profiled step. */
  readonly profile: StepProfile | undefined;
}

/** Tokens, and the token that follows each. */
export interface Batch {
  readonly inputs: tf.Tensor2D;
  readonly targets: tf.Tensor2D;
}

export default defineProgram<StepOptions, never, StepResult>(({ world, options }) => {
  const clock = new KernelClock();
  const restore = clockKernels(world.engine.backendName, clock);
  try {
    return measure(world, options, clock);
  } finally {
    restore();
  }
});

function measure(world: World, options: StepOptions, clock: KernelClock): StepResult {
  const { steps, turns, player } = options;
  const { model, step } = createTraining(clockCollectives(world, clock), options);
  const losses: number[] = [];
  const stepMs: number[] = [];
  const cpuMs: number[] = [];
  let communication: readonly LedgerTotal[] = [];
  const numSteps = steps.warmUp + steps.timed + steps.profiled;
  for (let index = 0; index < numSteps; index++) {
    awaitTurn(turns, player, index);
    world.group.barrier();
    const cpuBefore = threadCpuMs();
    const start = performance.now();
    const isProfiled = index >= steps.warmUp + steps.timed;
    const run = countCommunication(world, () =>
      isProfiled ? clock.profile(() => step(index)) : step(index),
    );
    const ms = performance.now() - start;
    const cpuAfter = threadCpuMs();
    losses.push(run.result);
    communication = run.totals;
    if (index >= steps.warmUp && !isProfiled) {
      stepMs.push(ms);
      if (cpuBefore !== null && cpuAfter !== null) cpuMs.push(cpuAfter - cpuBefore);
    }
    world.group.barrier();
    if (world.rank === 0) endTurn(turns);
  }
  return {
    engine: world.engine.name,
    parameters: countParameters(model),
    ...{ losses, stepMs, cpuMs, communication, profile: clock.fastest },
  };
}

/** The model, and a function that does one training step and returns the loss. */
function createTraining(
  world: World,
  { sizes, mesh: axes, seed }: StepOptions,
): { readonly model: GPT; readonly step: (index: number) => number } {
  const mesh = axes === null ? undefined : createMesh(world, axes);
  const model = mesh === undefined ? new GPT(sizes) : parallelGPT({ mesh, axis: "tp", ...sizes });
  initialize(model, { seed });
  const optimizer = new AdamW(namedParameters(model), {
    learningRate: 1e-3,
    betas: [0.9, 0.95],
    weightDecay: 0.1,
    groups: [noDecayForVectors],
  });
  const place = (t: tf.Tensor2D): tf.Tensor2D => (mesh === undefined ? t : shard(t, mesh, { dp: Shard(0) }));
  const batchLoss = (index: number): tf.Scalar => {
    const { inputs, targets } = randomBatch(sizes, { seed, index });
    return crossEntropy(model.apply(place(inputs)), place(targets));
  };
  return {
    model,
    step: (index) => {
      const { loss, grads } = gradients(model, () => batchLoss(index));
      const clipped = clipGradNorm(grads, 1);
      optimizer.step(clipped.grads);
      const value = loss.dataSync()[0]!;
      tf.dispose([loss, clipped.norm, ...grads.values(), ...clipped.grads.values()]);
      return value;
    },
  };
}

/** Tokens that depend on the seed and the step alone; the targets are the inputs one position on. */
export function randomBatch(
  { batchSize, contextLength, vocabSize }: StepSizes,
  { seed, index }: { readonly seed: number; readonly index: number },
): Batch {
  const row = contextLength + 1;
  const tokens = Int32Array.from({ length: batchSize * row }, (_, i) => {
    const word = philox4x32([i, index, 0, 0], [seed, 0])[0]!;
    return word % vocabSize;
  });
  const rows = (from: number): tf.Tensor2D => {
    const values = new Int32Array(batchSize * contextLength);
    for (let b = 0; b < batchSize; b++) {
      values.set(tokens.subarray(b * row + from, b * row + from + contextLength), b * contextLength);
    }
    return tf.tensor2d(values, [batchSize, contextLength], "int32");
  };
  return { inputs: rows(0), targets: rows(1) };
}

/** Processor time of the calling thread (Linux). */
function threadCpuMs(): number | null {
  try {
    return Number(readFileSync("/proc/thread-self/schedstat", "utf8").split(" ")[0]) / 1e6;
  } catch {
    return null;
  }
}
