/**
 * Runs kernels of the tfjs cpu backend for another engine, on copies, so that every tfjs operation runs.
 *
 * Complex and string tensors have no place in the wasm heap: they stay on the cpu backend, where tfjs keeps track of
 * them, and go through here whenever a kernel meets one.
 *
 * @packageDocumentation
 */
import {
  engine,
  getKernel,
  getKernelsForBackend,
  type DataType,
  type KernelBackend,
  type KernelFunc,
  type NamedTensorInfoMap,
  type TensorInfo,
} from "@tensorflow/tfjs";
import type { CpuMemory } from "./cpu-internals.ts";
import type { NumericArray } from "../transport/transport.ts";
import type { Operands } from "./wasm-kernels/wasm-kernel.ts";

/** Names of the kernels that the cpu backend has and another one lacks, sorted. */
export function missingKernels(backendName: string): readonly string[] {
  const present = new Set(getKernelsForBackend(backendName).map((kernel) => kernel.kernelName));
  return getKernelsForBackend("cpu")
    .map((kernel) => kernel.kernelName)
    .filter((name) => !present.has(name))
    .sort();
}

/** Stock kernels that complex tensors meet on their way: the ones that move, cast, add and multiply. */
export const COMPLEX_KERNELS: readonly string[] = [
  "Identity",
  "Reshape",
  "ExpandDims",
  "Cast",
  "Add",
  "Sub",
  "Multiply",
  "RealDiv",
  "Neg",
  "Concat",
  "Pack",
  "Slice",
  "SplitV",
  "Unpack",
  "Transpose",
  "Tile",
  "GatherV2",
  "Reverse",
  "PadV2",
  "ZerosLike",
  "OnesLike",
];

/** The memory of the engine on the other side of the bridge. */
export interface BridgedMemory {
  /** The elements, which the engine does not write to from then on. */
  copy(info: TensorInfo): ReturnType<KernelBackend["readSync"]>;
  /** A tensor of these elements, which it may keep. */
  create(values: NumericArray, shape: readonly number[], dtype: DataType): TensorInfo;
}

/** Moves tensors between the two backends and runs cpu kernels. */
export class CpuBridge {
  readonly #memory: BridgedMemory;
  readonly #cpu: CpuMemory;

  constructor(memory: BridgedMemory, cpu: CpuMemory) {
    this.#memory = memory;
    this.#cpu = cpu;
  }

  /** Runs the cpu backend's kernel; numeric results come back into the engine. */
  run(kernelName: string, { inputs, attrs }: Operands): TensorInfo | TensorInfo[] {
    const cpuBackend = this.#cpu.backend;
    const { kernelFunc } = getKernel(kernelName, "cpu");
    const copies: TensorInfo[] = [];
    const copyIn = (info: TensorInfo): TensorInfo => {
      if (this.#cpu.holds(info)) return info;
      const copy = this.#cpu.adopt(this.#memory.copy(info), info.shape, info.dtype);
      copies.push(copy);
      return copy;
    };
    try {
      const params = { inputs: mapInputs(inputs, copyIn), backend: cpuBackend };
      const result = kernelFunc(attrs === undefined ? params : { ...params, attrs });
      return Array.isArray(result) ? result.map((info) => this.#copyOut(info)) : this.#copyOut(result);
    } finally {
      for (const copy of copies) this.#cpu.release(copy);
    }
  }

  /** `stock`, except that complex operands go to the cpu backend. */
  aroundComplex(kernelName: string, stock: KernelFunc): KernelFunc {
    return (params) => {
      for (const info of Object.values(params.inputs)) {
        if (isComplex(info)) return this.run(kernelName, params);
      }
      return stock(params);
    };
  }

  #copyOut(info: TensorInfo): TensorInfo {
    if (info.dtype === "complex64" || info.dtype === "string") {
      return engine().makeTensorFromTensorInfo(info, this.#cpu.backend);
    }
    const out = this.#memory.create(this.#cpu.view(info), info.shape, info.dtype);
    this.#cpu.release(info);
    return out;
  }
}

// tfjs types every input as present; optional ones (a bias) may be undefined.
function isComplex(info: TensorInfo | undefined): boolean {
  return info?.dtype === "complex64";
}

/** Some kernels (Einsum, Concat) take a list of inputs where others take names; the ragged ones take lists by name. */
function mapInputs(inputs: NamedTensorInfoMap, map: (info: TensorInfo) => TensorInfo): NamedTensorInfoMap {
  const mapped: TensorInfo[] | NamedTensorInfoMap = Array.isArray(inputs) ? [] : {};
  for (const [name, info] of Object.entries<TensorInfo | TensorInfo[] | undefined>(inputs)) {
    Reflect.set(
      mapped,
      name,
      Array.isArray(info) ? info.map(map) : info === undefined ? undefined : map(info),
    );
  }
  return mapped as NamedTensorInfoMap;
}
