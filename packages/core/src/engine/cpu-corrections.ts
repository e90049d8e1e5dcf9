/**
 * Kernels of the cpu backend that give wrong results for some arguments, and what makes them right.
 *
 * @packageDocumentation
 */
import {
  broadcast_util,
  getKernel,
  registerKernel,
  unregisterKernel,
  util,
  type KernelFunc,
  type TensorInfo,
} from "@tensorflow/tfjs";
import { cpuImageRepairs } from "./cpu-image-corrections.ts";
import { cpuPoolRepairs } from "./cpu-pool-corrections.ts";
import type { CpuMemory } from "./cpu-internals.ts";
import { sizeOf } from "./shape.ts";

/** Replaces the kernels; `memory` is the cpu backend's. */
export function repairCpuKernels(memory: CpuMemory): void {
  replace("BatchMatMul", (stock) => broadcasting(stock, memory));
  replace("Cumsum", normalizingAxis);
  replace("Cumprod", normalizingAxis);
  for (const { kernelName, repair } of [...cpuImageRepairs, ...cpuPoolRepairs])
    replace(kernelName, (stock) => repair(stock, memory));
}

function replace(kernelName: string, repair: (stock: KernelFunc) => KernelFunc): void {
  const { kernelFunc } = getKernel(kernelName, "cpu");
  unregisterKernel(kernelName, "cpu");
  registerKernel({ kernelName, backendName: "cpu", kernelFunc: repair(kernelFunc) });
}

/** The stock kernels build a shape with a hole for a negative axis. */
function normalizingAxis(stock: KernelFunc): KernelFunc {
  return (params) => {
    const { x } = params.inputs as Record<"x", TensorInfo>;
    const [axis] = util.parseAxisParam(params.attrs!.axis as number, x.shape);
    return stock({ ...params, attrs: { ...params.attrs, axis: axis! } });
  };
}

/**
 * The stock product takes batch `i` of an operand as `i` modulo that operand's number of batches, which is right only
 * where the batch shapes are equal or one of them holds one matrix.
 */
function broadcasting(stock: KernelFunc, memory: CpuMemory): KernelFunc {
  return (params) => {
    const { a, b } = params.inputs as Record<"a" | "b", TensorInfo>;
    const batch = broadcast_util.assertAndGetBroadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
    const made: TensorInfo[] = [];
    const widen = (info: TensorInfo): TensorInfo => {
      const numMatrices = sizeOf(info.shape.slice(0, -2));
      if (numMatrices === 1 || numMatrices === sizeOf(batch)) return info;
      const wide = broadcastBatch(info, batch, memory);
      made.push(wide);
      return wide;
    };
    const out = stock({ ...params, inputs: { a: widen(a), b: widen(b) } });
    for (const info of made) memory.release(info);
    return out;
  };
}

/** `info` repeated to the batch shape `batch`; a new tensor. */
function broadcastBatch(info: TensorInfo, batch: readonly number[], memory: CpuMemory): TensorInfo {
  const rank = batch.length + 2;
  const shape = [...Array<number>(rank - info.shape.length).fill(1), ...info.shape];
  const reps = batch.map((size, dim) => (shape[dim] === 1 ? size : 1)).concat([1, 1]);
  const x: TensorInfo = { ...info, shape };
  return getKernel("Tile", "cpu").kernelFunc({
    inputs: { x },
    attrs: { reps },
    backend: memory.backend,
  }) as TensorInfo;
}
