/**
 * What every rank of the efficiency benchmark runs: steps of pipelines whose layers wait.
 *
 * @packageDocumentation
 */
import { defineProgram, type World } from "@meshwright/core";
import {
  createPipeline,
  measureLayerTimes,
  type Pipeline,
  type RankTimeline,
  type Schedule,
} from "@meshwright/pipeline";
import { createMesh, type DeviceMesh } from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";
import { registerWaitingKernel, waitingLayers, waitingRule, type WaitTimes } from "./waiting-layer.ts";

/** One pipeline. */
export interface WaitingPipeline {
  readonly schedule: Schedule;
  /** Of each layer. */
  readonly layers: readonly WaitTimes[];
  /** Whether stages are cut by measured times; else all layers count alike. */
  readonly isBalanced: boolean;
}

/** Options of the program; the same on every rank. */
export interface WaitingOptions {
  readonly pipelines: readonly WaitingPipeline[];
  /** Steps of each pipeline, in turn. */
  readonly rounds: number;
}

/** One pipeline as one rank saw it. */
export interface WaitingResult {
  /** One per round. */
  readonly timelines: readonly RankTimeline[];
  readonly peakLive: number;
  readonly layersPerStage: readonly number[];
}

export default defineProgram<WaitingOptions, never, WaitingResult[]>(({ world, options }) => {
  registerWaitingKernel(world.engine);
  const mesh = createMesh(world, { pp: world.size }, { rules: [waitingRule] });
  warmUp(world, mesh, options.pipelines);
  const pipelines = options.pipelines.map((one) => build(world, mesh, one));
  const records = pipelines.map(() => [] as ReturnType<typeof step>[]);
  for (let round = 0; round < options.rounds; round++) {
    pipelines.forEach((pipeline, i) => records[i]!.push(step(pipeline)));
  }
  const results = pipelines.map(({ stages }, i) => ({
    timelines: records[i]!.map(({ timeline }) => timeline),
    peakLive: Math.max(...records[i]!.map(({ peakLive }) => peakLive)),
    layersPerStage: stages.map(({ layers }) => layers.length),
  }));
  pipelines.forEach(disposeParameters);
  return results;
});

/** The same code without the times, so that it is compiled before it is timed. */
function warmUp(world: World, mesh: DeviceMesh<{ pp: number }>, pipelines: readonly WaitingPipeline[]): void {
  const noTime = { forwardMs: 0, inputGradientMs: 0, weightGradientMs: 0 };
  for (const { schedule, layers } of pipelines) {
    const pipeline = build(world, mesh, { schedule, layers: layers.map(() => noTime), isBalanced: false });
    step(pipeline);
    disposeParameters(pipeline);
  }
}

function disposeParameters({ parameters }: Pipeline): void {
  for (const parameter of parameters.values()) parameter.dispose();
}

function build(world: World, mesh: DeviceMesh<{ pp: number }>, one: WaitingPipeline): Pipeline {
  const layers = waitingLayers(one.layers);
  const costs = one.isBalanced
    ? tf.tidy(() => measureLayerTimes(layers, tf.ones([1, 1]), { world, repeats: 3 }))
    : layers.map(() => 1);
  const loss = (output: tf.Tensor): tf.Scalar => tf.mean(output);
  const pipeline = createPipeline({ mesh, axis: "pp", layers, costs, schedule: one.schedule, loss });
  pipeline.initialize({ seed: 1 });
  return pipeline;
}

function step(pipeline: Pipeline) {
  const batch = tf.ones([pipeline.schedule.numMicroBatches, 1]);
  const { grads, timeline, peakLive } = pipeline.step(batch, batch);
  tf.dispose([batch, ...grads.values()]);
  return { timeline, peakLive };
}
