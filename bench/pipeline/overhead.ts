/**
 * What every rank of the overhead benchmark runs: steps whose layers take no time, and the same work without a scheduler.
 *
 * @packageDocumentation
 */
import { defineProgram, vjp } from "@meshwright/core";
import { createPipeline, oneFOneB } from "@meshwright/pipeline";
import { createMesh, shard, subMesh, type DeviceMesh } from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";
import { interleave } from "../statistics.ts";
import { registerWaitingKernel, waitingLayers, waitingRule } from "./waiting-layer.ts";

/** Options of the program; the same on every rank. */
export interface OverheadOptions {
  readonly rounds: number;
  readonly numMicroBatches: number;
}

/** Microseconds per action, F or B, by round. */
export interface OverheadSamples {
  /** `pipeline.step`: the actions, messages between ranks, and what a step costs once. */
  readonly step: readonly number[];
  /** `vjp` and `pullback.all` of the same stage in a loop, with nothing around. */
  readonly work: readonly number[];
}

const NO_TIME = { forwardMs: 0, inputGradientMs: 0, weightGradientMs: 0 };

export default defineProgram<OverheadOptions, never, OverheadSamples>(({ world, options }) => {
  const { rounds, numMicroBatches } = options;
  registerWaitingKernel(world.engine);
  const mesh: DeviceMesh<{ pp: number }> = createMesh(world, { pp: world.size }, { rules: [waitingRule] });
  const layers = waitingLayers(Array.from({ length: world.size }, () => NO_TIME));
  const schedule = oneFOneB({ numRanks: world.size, numMicroBatches });
  const loss = (output: tf.Tensor): tf.Scalar => tf.mean(output);
  const pipeline = createPipeline({ mesh, axis: "pp", layers, schedule, loss });
  pipeline.initialize({ seed: 1 });
  const batch = tf.ones([numMicroBatches, 1]);
  const stage = pipeline.stages[world.rank]!;
  const x = shard(tf.ones([1, 1]), subMesh(mesh, { without: "pp" }), {});
  const perAction = (body: () => void) => () => {
    world.group.barrier();
    const start = performance.now();
    body();
    return ((performance.now() - start) * 1000) / (2 * numMicroBatches);
  };
  const samples = interleave(
    {
      step: perAction(() => {
        tf.dispose([...pipeline.step(batch, batch).grads.values()]);
      }),
      work: perAction(() => {
        for (let i = 0; i < numMicroBatches; i++) {
          tf.tidy(() => {
            const { pullback, value } = vjp((t: tf.Tensor) => stage.apply(t), [x], stage);
            pullback.all(value);
          });
        }
      }),
    },
    { rounds, warmUp: 5 },
  );
  tf.dispose([batch, x]);
  return samples;
});
