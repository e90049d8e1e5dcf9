/**
 * What a kernel of the wasm engine is: a function of tensors in the tfjs heap, which may fall back on what was there
 * before it.
 *
 * @packageDocumentation
 */
import type { KernelFunc, NamedAttrMap, NamedTensorInfoMap, TensorInfo } from "@tensorflow/tfjs";
import type { WasmHeap } from "../wasm-internals.ts";
import type { WasmKernels } from "../wasm-module.ts";

/** Inputs and attributes of a kernel, as tfjs passes them. */
export interface Operands {
  readonly inputs: NamedTensorInfoMap;
  readonly attrs?: NamedAttrMap;
}

/** What kernels work with. */
export interface WasmContext {
  readonly heap: WasmHeap;
  readonly kernels: WasmKernels;
  /** Runs another kernel of the engine, untaped. */
  readonly run: (kernelName: string, operands: Operands) => TensorInfo;
  /** Runs a kernel of the cpu backend on copies. */
  readonly onCpu: (kernelName: string, operands: Operands) => TensorInfo | TensorInfo[];
}

/** One call of a kernel. */
export interface WasmCall<Inputs, Attrs> extends WasmContext {
  readonly inputs: Inputs;
  readonly attrs: Attrs;
  /** Runs the kernel that tfjs brings (the cpu backend's on copies, where its wasm backend has none). */
  stock(operands?: Partial<Operands>): TensorInfo | TensorInfo[];
}

/** A kernel of the engine. */
export interface WasmKernel {
  readonly kernelName: string;
  /** The function to register; `stock` is the one it replaces. */
  readonly kernelFunc: (context: WasmContext, stock: KernelFunc) => KernelFunc;
}

/** Declares a kernel by its name and the function that computes it. */
export function wasmKernel<Inputs extends NamedTensorInfoMap, Attrs extends NamedAttrMap>(
  kernelName: string,
  compute: (call: WasmCall<Inputs, Attrs>) => TensorInfo | TensorInfo[],
): WasmKernel {
  return {
    kernelName,
    kernelFunc:
      ({ heap, kernels, run, onCpu }, stock) =>
      ({ inputs, attrs = {}, backend }) =>
        compute({
          heap,
          kernels,
          run,
          onCpu,
          inputs: inputs as Inputs,
          attrs: attrs as Attrs,
          stock: (operands) => stock({ inputs, attrs, backend, ...operands }),
        }),
  };
}
