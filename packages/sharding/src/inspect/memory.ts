/**
 * Counts the bytes that this rank holds.
 *
 * @packageDocumentation
 */
import { util, type Tensor } from "@tensorflow/tfjs";
import { shardedBackend } from "../backend/current.ts";
import { numElements } from "../layout.ts";

/** Bytes that this rank holds of the given tensors; what is split counts only with its local part. */
export function localBytes(tensors: Iterable<Tensor>): number {
  const backend = shardedBackend("localBytes");
  let bytes = 0;
  for (const tensor of tensors) {
    const { layout } = backend.recordOf(tensor);
    bytes += numElements(layout.localShape) * util.bytesPerElement(layout.dtype);
  }
  return bytes;
}

/** Bytes of all tensors that live on this rank. `tf.memory().numBytes` counts global shapes instead. */
export function liveBytes(): number {
  return shardedBackend("liveBytes").liveBytes;
}
