/**
 * Reference kernels: plain loops over typed arrays that any engine can run.
 *
 * They accumulate in float64 and serve twice: as the meaning of each kernel, which faster ones are tested against, and
 * as the kernel itself on engines that have no faster one.
 *
 * @packageDocumentation
 */
import type { KernelFunc, NamedAttrMap, NamedTensorInfoMap, TensorInfo } from "@tensorflow/tfjs";
import type { Engine } from "../engine/engine.ts";
import { InternalError } from "../errors.ts";

/** The part of an engine that reference kernels use. */
export type KernelMemory = Pick<Engine, "view" | "create">;

/** One call of a kernel. */
export interface KernelCall<Inputs, Attrs> {
  readonly inputs: Inputs;
  readonly attrs: Attrs;
  readonly memory: KernelMemory;
}

/** A kernel that is defined by its loops. */
export interface ReferenceKernel {
  readonly kernelName: string;
  /** The function that `tf.registerKernel` takes, working on the memory of one engine. */
  readonly kernelFunc: (memory: KernelMemory) => KernelFunc;
}

/**
 * Declares a reference kernel. `compute` may call `memory.view` only inside a `fill` of `memory.create` or after its
 * last allocation, because an allocation can move the engine's memory.
 */
export function referenceKernel<Inputs extends NamedTensorInfoMap, Attrs extends NamedAttrMap>(
  kernelName: string,
  compute: (call: KernelCall<Inputs, Attrs>) => TensorInfo | TensorInfo[],
): ReferenceKernel {
  return {
    kernelName,
    kernelFunc: (memory) => (call) =>
      compute({ inputs: call.inputs as Inputs, attrs: (call.attrs ?? {}) as Attrs, memory }),
  };
}

/** The elements of a float32 tensor. */
export function viewFloats(memory: KernelMemory, info: TensorInfo): Float32Array {
  const view = memory.view(info);
  if (!(view instanceof Float32Array))
    throw new InternalError(`a ${info.dtype} tensor where float32 is needed`);
  return view;
}

/** The elements of an int32 tensor. */
export function viewIntegers(memory: KernelMemory, info: TensorInfo): Int32Array {
  const view = memory.view(info);
  if (!(view instanceof Int32Array)) throw new InternalError(`a ${info.dtype} tensor where int32 is needed`);
  return view;
}

/** A new float32 tensor, filled in place. */
export function createFloats(
  memory: KernelMemory,
  shape: readonly number[],
  fill: (out: Float32Array) => void,
): TensorInfo {
  return memory.create(shape, "float32", (out) => {
    if (!(out instanceof Float32Array))
      throw new InternalError("an engine that gives no Float32Array for float32");
    fill(out);
  });
}
