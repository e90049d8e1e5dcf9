/**
 * Tile, which `tf.broadcastTo` runs too: doubling copies instead of one element at a time.
 *
 * @packageDocumentation
 */
import { util, type TensorInfo } from "@tensorflow/tfjs";
import { sizeOf } from "../shape.ts";
import { wasmKernel } from "./wasm-kernel.ts";

/** `x` repeated `reps[d]` times along each dim `d`. */
export const tile = wasmKernel<Record<"x", TensorInfo>, { reps: number[] }>("Tile", (call) => {
  const { heap, kernels } = call;
  const { x } = call.inputs;
  const { reps } = call.attrs;
  if (x.dtype === "string" || x.dtype === "complex64" || x.shape.length === 0) return call.stock();
  const shape = x.shape.map((size, dim) => size * reps[dim]!);
  const out = heap.output(shape, x.dtype);
  if (sizeOf(shape) === 0) return out;
  const dims = joinUntiled(x.shape, reps);
  const table = heap.scratch(8 * dims.length);
  new Int32Array(heap.memory.buffer, table, 2 * dims.length).set(dims.flat());
  kernels.tile(heap.address(x), heap.address(out), table, dims.length, util.bytesPerElement(x.dtype));
  return out;
});

/** `[size, repetitions]` per dim, each dim that is not repeated joined to the one before it. */
function joinUntiled(shape: readonly number[], reps: readonly number[]): [number, number][] {
  const dims: [number, number][] = [];
  for (const [dim, size] of shape.entries()) {
    const last = dims.at(-1);
    if (reps[dim] === 1 && last?.[1] === 1) last[0] *= size;
    else dims.push([size, reps[dim]!]);
  }
  return dims;
}
