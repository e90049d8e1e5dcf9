/**
 * What every rank of the context-parallel benchmark runs: causal attention, forward and backward.
 *
 * @packageDocumentation
 */
import { defineProgram, groupedCausalAttention } from "@meshwright/core";
import { createMesh, ringAttention, shard, Shard } from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";

/** Sizes; the same on every rank. */
export interface AttentionOptions {
  readonly positions: number;
  readonly heads: number;
  readonly headFeatures: number;
  readonly samples: number;
}

/** What a rank measured. */
export interface AttentionResult {
  /** Wall-clock milliseconds per sample. */
  readonly milliseconds: readonly number[];
  /** Growth of the wasm heap, which never shrinks: everything that existed at once, temporaries included. */
  readonly heapBytes: number;
}

export default defineProgram<AttentionOptions, unknown, AttentionResult>(({ world, options }) => {
  const { positions, heads, headFeatures, samples } = options;
  const mesh = createMesh(world, { cp: world.size });
  const wave = (step: number): tf.Tensor =>
    tf.tidy(() => {
      const values = tf.sin(tf.mul(tf.range(0, heads * positions * headFeatures), step));
      return shard(tf.reshape(values, [1, heads, positions, headFeatures]), mesh, { cp: Shard(2) });
    });
  const inputs = [wave(0.61), wave(0.53), wave(0.37)];
  const dy = wave(0.71);
  const attend = (...[q, k, v]: tf.Tensor[]): tf.Tensor =>
    world.size === 1
      ? groupedCausalAttention(q!, { k: k!, v: v! })
      : ringAttention(q!, { k: k!, v: v! }, { mesh, axis: "cp" });
  const heapBefore = heapBytes();
  const milliseconds = Array.from({ length: samples }, () => {
    world.group.barrier();
    const start = performance.now();
    tf.dispose(tf.grads(attend)(inputs, dy));
    return performance.now() - start;
  });
  return { milliseconds, heapBytes: heapBytes() - heapBefore };
});

function heapBytes(): number {
  const wasm: unknown = Reflect.get(tf.findBackend("wasm"), "wasm");
  return (wasm as { readonly HEAPU8: Uint8Array }).HEAPU8.length;
}
