/**
 * Counts what one transformer block communicates, forward and backward.
 */
import {
  defineProgram,
  initialize,
  namedParameters,
  LayerNorm,
  type LedgerEntry,
  type LedgerTotal,
} from "@meshwright/core";
import {
  countCommunication,
  createMesh,
  ParallelGeluMLP,
  ParallelSelfAttention,
  shard,
  type MeshAxes,
} from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";

export interface BlockCommunication {
  readonly forward: readonly LedgerTotal[];
  readonly whole: readonly LedgerTotal[];
  readonly sizes: readonly number[];
  readonly entries: readonly LedgerEntry[];
}

export default defineProgram<{ readonly mesh: MeshAxes }, unknown, BlockCommunication>(
  ({ world, options }) => {
    const mesh = createMesh(world, { tp: options.mesh.tp! });
    const block = {
      norm1: new LayerNorm({ features: 8 }),
      attention: new ParallelSelfAttention({ mesh, axis: "tp", features: 8, heads: 4 }),
      norm2: new LayerNorm({ features: 8 }),
      mlp: new ParallelGeluMLP({ mesh, axis: "tp", features: 8, hiddenFeatures: 20 }),
      apply(x: tf.Tensor): tf.Tensor {
        const h = tf.add(x, block.attention.apply(block.norm1.apply(x)));
        return tf.add(h, block.mlp.apply(block.norm2.apply(h)));
      },
    };
    initialize(block, { seed: 1 });
    const x = shard(tf.randomNormal([3, 5, 8]), mesh, {});
    const forward = countCommunication(world, () => {
      tf.tidy(() => {
        // The last residual sum is what the next block would read.
        tf.square(block.apply(x));
      });
    });
    const whole = countCommunication(world, () => {
      tf.tidy(() => {
        const parameters = [...namedParameters(block).values()].map(({ variable }) => variable);
        tf.grads((...inputs: tf.Tensor[]) => tf.sum(tf.square(block.apply(inputs[0]!))))([x, ...parameters]);
      });
    });
    return {
      forward: forward.totals,
      whole: whole.totals,
      sizes: [...new Set(whole.entries.map(({ bytesTotal }) => bytesTotal))],
      entries: whole.entries,
    };
  },
);
