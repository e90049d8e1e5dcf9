/**
 * Pipelines in which one thing is wrong.
 */
import { defineProgram, Linear } from "@meshwright/core";
import { createPipeline, createSchedule, moduleLayer, type PipelineLayer } from "@meshwright/pipeline";
import { createMesh } from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";

export type Fault =
  | "none"
  | "forward throws"
  | "backward throws"
  | "loss is no scalar"
  | "few rows"
  | "rows differ"
  | "other ranks"
  | "many stages"
  | "one name twice"
  | "declared shape differs"
  | "shape differs"
  | "exits"
  | "stalls"
  | "maxNorm";

export interface FaultOptions {
  readonly fault: Fault;
  readonly schedule?: string;
}

/** Reported by a rank on which the step threw: tensors before and after. */
export interface FaultUpdate {
  readonly rank: number;
  readonly before: number;
  readonly after: number;
}

const [FEATURES, ROWS, MICRO_BATCHES] = [4, 6, 5];

export default defineProgram<FaultOptions, FaultUpdate, number>(({ world, options, report }) => {
  const { fault, schedule = "1f1b" } = options;
  const mesh = createMesh(world, { dp: 1, pp: world.size });
  const layers = layersWith(fault);
  const numRanks = fault === "other ranks" ? world.size + 1 : world.size;
  const pipeline = createPipeline({
    ...{ mesh, axis: "pp" },
    layers: fault === "many stages" ? layers.slice(0, 1) : layers,
    schedule: createSchedule(schedule, { numRanks, numMicroBatches: MICRO_BATCHES }),
    loss: (output, target) =>
      fault === "loss is no scalar"
        ? tf.sub<tf.Scalar>(output, target)
        : tf.losses.meanSquaredError(target, output),
  });
  pipeline.initialize({ seed: 1 });
  const numRows = fault === "few rows" ? MICRO_BATCHES - 1 : ROWS;
  const batch = tf.ones([numRows, FEATURES]);
  const target = tf.zeros([fault === "rows differ" ? numRows + 1 : numRows, FEATURES]);
  const before = tf.memory().numTensors;
  try {
    const { loss, grads } = pipeline.step(batch, target);
    if (fault === "maxNorm") pipeline.clipGradNorm(grads, 0);
    return loss;
  } catch (error) {
    report({ rank: world.rank, before, after: tf.memory().numTensors });
    throw error;
  }
});

/** Three linear layers around one that does the wrong thing, for the second of two ranks. */
function layersWith(fault: Fault): PipelineLayer[] {
  const wide = fault === "declared shape differs" || fault === "shape differs" ? FEATURES + 1 : FEATURES;
  const linear = (outFeatures: number): Linear => new Linear({ inFeatures: FEATURES, outFeatures });
  const inputShape = fault === "declared shape differs" ? [FEATURES] : undefined;
  let calls = 0;
  const wrong: PipelineLayer = {
    name: "wrong",
    parameters: new Map(),
    apply(x) {
      calls++;
      if (fault === "forward throws" && calls === 3) throw new RangeError("planted");
      if (fault === "exits" && calls === 3) process.exit(5);
      // For ever: nobody notifies this buffer.
      if (fault === "stalls" && calls === 3) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
      return fault === "backward throws" ? throwingBackward(x) : tf.mul(x, 2);
    },
  };
  const third = moduleLayer("third", linear(FEATURES), inputShape && { inputShape });
  return [
    moduleLayer("first", linear(FEATURES)),
    moduleLayer(fault === "one name twice" ? "first" : "second", linear(wide)),
    third,
    wrong,
  ];
}

function throwingBackward(x: tf.Tensor): tf.Tensor {
  return tf.customGrad((input) => ({
    value: (input as tf.Tensor).clone(),
    gradFunc: () => {
      throw new RangeError("planted");
    },
  }))(x);
}
