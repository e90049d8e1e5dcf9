/**
 * Measures layers of which one costs far more than the others.
 */
import { defineProgram, Linear } from "@meshwright/core";
import { measureLayerTimes, moduleLayer, partition } from "@meshwright/pipeline";
import { createMesh } from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";

export interface LayerTimes {
  readonly times: readonly number[];
  readonly stages: readonly (readonly string[])[];
  readonly leaked: number;
  readonly initialized: readonly boolean[];
}

const WIDE = 512;

export default defineProgram<undefined, unknown, LayerTimes>(({ world }) => {
  createMesh(world, { pp: world.size });
  const linear = (inFeatures: number, outFeatures: number): Linear => new Linear({ inFeatures, outFeatures });
  const linears = [linear(8, 8), linear(8, WIDE), linear(WIDE, WIDE), linear(WIDE, 8)];
  const layers = linears.map((module, i) => moduleLayer(`layer ${i}`, module));
  const input = tf.ones([256, 8]);
  const before = tf.memory().numTensors;
  const times = measureLayerTimes(layers, input, { world });
  return {
    times,
    stages: partition(layers, { numStages: 2, costs: times }).map((stage) => stage.map(({ name }) => name)),
    leaked: tf.memory().numTensors - before,
    initialized: linears.map(({ weight }) => weight.isInitialized),
  };
});
