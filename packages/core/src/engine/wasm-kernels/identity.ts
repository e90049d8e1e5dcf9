/**
 * Identity without a copy.
 *
 * tfjs clones every tensor that it saves for the backward pass and every gradient that has one consumer: a step of a GPT
 * runs hundreds of Identity kernels. Stock wasm copies the elements; tensors are immutable, so a reference is enough.
 *
 * @packageDocumentation
 */
import type { TensorInfo } from "@tensorflow/tfjs";
import { wasmKernel } from "./wasm-kernel.ts";

/** `y = x`, sharing the elements. Strings and complex numbers, which the backend keeps elsewhere, stay with stock. */
export const identity = wasmKernel<Record<"x", TensorInfo>, Record<string, never>>("Identity", (call) => {
  const { x } = call.inputs;
  if (x.dtype === "string" || x.dtype === "complex64") return call.stock();
  return call.heap.alias(x, x.shape);
});
