/**
 * Everything that grows when a tensor leaks.
 */
import type { World } from "@meshwright/core";
import { liveBytes } from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";

export interface MemoryCounts {
  readonly numTensors: number;
  readonly numDataBuffers: number;
  /** Of the sharded backend. */
  readonly numDataIds: number;
  /** Of the engine's backend. */
  readonly numEngineDataIds: number;
  readonly liveBytes: number;
}

/** Needs a mesh. */
export function countMemory(world: World): MemoryCounts {
  const { numTensors, numDataBuffers } = tf.memory();
  return {
    numTensors,
    numDataBuffers,
    numDataIds: tf.backend().numDataIds(),
    numEngineDataIds: tf.findBackend(world.engine.backendName).numDataIds(),
    liveBytes: liveBytes(),
  };
}

/** What `after` has more than `before`. */
export function growth(before: MemoryCounts, after: MemoryCounts): MemoryCounts {
  return {
    numTensors: after.numTensors - before.numTensors,
    numDataBuffers: after.numDataBuffers - before.numDataBuffers,
    numDataIds: after.numDataIds - before.numDataIds,
    numEngineDataIds: after.numEngineDataIds - before.numEngineDataIds,
    liveBytes: after.liveBytes - before.liveBytes,
  };
}

/** Bytes of the wasm engine's heap, which grows and never shrinks. */
export function heapBytes(): number {
  const wasm: unknown = Reflect.get(tf.findBackend("wasm"), "wasm");
  return (wasm as { readonly HEAPU8: Uint8Array }).HEAPU8.length;
}
