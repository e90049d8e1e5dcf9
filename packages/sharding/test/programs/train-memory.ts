/**
 * Trains a small GPT and counts what lives on this rank after the warm-up and at the end.
 */
import {
  AdamW,
  clipGradNorm,
  crossEntropy,
  defineProgram,
  gradients,
  initialize,
  namedParameters,
} from "@meshwright/core";
import { createMesh, localBytes, parallelGPT, shard, Shard, type MeshAxes } from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";
import { countMemory, heapBytes, type MemoryCounts } from "./memory-counts.ts";

interface Bytes {
  readonly parameters: number;
  readonly moments: number;
}

export interface TrainMemory {
  readonly warm: MemoryCounts & { readonly heapBytes: number };
  readonly end: MemoryCounts & { readonly heapBytes: number };
  readonly losses: readonly number[];
  /** Of the parameters that `tp` splits, and of all others. */
  readonly split: Bytes;
  readonly replicated: Bytes;
}

// Heads, features and hidden features divide by 4; sizes are pairwise different.
const SIZES = { vocabSize: 11, contextLength: 5, features: 12, heads: 4, layers: 1, mlpFeatures: 20 };
const BATCH = 6;
const WARM_UP = 5;

export default defineProgram<{ readonly mesh: MeshAxes; readonly steps: number }, unknown, TrainMemory>(
  ({ world, options }) => {
    const { dp = 1, tp = 1 } = options.mesh;
    const mesh = createMesh(world, { dp, tp });
    const model = parallelGPT({ mesh, axis: "tp", ...SIZES });
    initialize(model, { seed: 2 });
    const parameters = namedParameters(model);
    const optimizer = new AdamW(parameters, { learningRate: 1e-2 });
    const tokens = tf.keep(
      tf.tidy(() =>
        shard(
          tf.tensor2d(
            Array.from({ length: BATCH * SIZES.contextLength }, (_, i) => (i * i) % SIZES.vocabSize),
            [BATCH, SIZES.contextLength],
            "int32",
          ),
          mesh,
          { dp: Shard(0) },
        ),
      ),
    );
    const step = (): number => {
      const { loss, grads } = gradients(model, () => crossEntropy(model.apply(tokens), tokens));
      const clipped = clipGradNorm(grads, 1);
      optimizer.step(clipped.grads);
      const value = loss.dataSync()[0]!;
      tf.dispose([loss, clipped.norm, ...grads.values(), ...clipped.grads.values()]);
      return value;
    };
    const count = (): TrainMemory["warm"] => ({ ...countMemory(world), heapBytes: heapBytes() });
    const losses: number[] = [];
    for (let i = 0; i < WARM_UP; i++) losses.push(step());
    const warm = count();
    for (let i = WARM_UP; i < options.steps; i++) losses.push(step());
    const end = count();
    const bytesOf = (isSplit: boolean): Bytes => {
      const names = [...parameters.keys()].filter(
        (name) => (parameters.get(name)!.shard !== undefined) === isSplit,
      );
      return {
        parameters: localBytes(names.map((name) => parameters.get(name)!.variable)),
        moments: localBytes(
          names.flatMap((name) => {
            const { m, v } = optimizer.states.get(name)!;
            return [m, v];
          }),
        ),
      };
    };
    const bytes = { split: bytesOf(true), replicated: bytesOf(false) };
    optimizer.dispose();
    for (const parameter of parameters.values()) parameter.dispose();
    tokens.dispose();
    return { warm, end, losses, ...bytes };
  },
);
