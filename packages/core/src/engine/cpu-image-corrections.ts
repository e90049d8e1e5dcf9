/**
 * Image kernels of the cpu backend that are right for one square image, and what makes them right for others.
 *
 * | kernel                      | stock                                                                |
 * | --------------------------- | -------------------------------------------------------------------- |
 * | `ResizeBilinearGrad`        | gives `[N, W, H, C]` as the shape of a result laid out `[N, H, W, C]` |
 * | `ResizeNearestNeighborGrad` | finds image `n` of `dy` as if it were as large as the result          |
 * | `Transform`                 | returns after the first image of a batch                             |
 * | `Dilation2DBackprop*`       | asks `dy` for its `rank`, which only whole Tensors have, not infos    |
 *
 * @packageDocumentation
 */
import type { KernelFunc, NamedTensorInfoMap, TensorInfo } from "@tensorflow/tfjs";
import type { CpuMemory } from "./cpu-internals.ts";
import { sizeOf } from "./shape.ts";

/** A repaired kernel: its name, and the function that takes the place of the stock one. */
export interface CpuRepair {
  readonly kernelName: string;
  readonly repair: (stock: KernelFunc, memory: CpuMemory) => KernelFunc;
}

/** The repairs of the kernels above. */
export const cpuImageRepairs: readonly CpuRepair[] = [
  { kernelName: "ResizeBilinearGrad", repair: shapedLikeImages },
  { kernelName: "ResizeNearestNeighborGrad", repair: imageByImage },
  { kernelName: "Transform", repair: imageByImage },
  { kernelName: "Dilation2DBackpropInput", repair: withRank },
  { kernelName: "Dilation2DBackpropFilter", repair: withRank },
];

function shapedLikeImages(stock: KernelFunc): KernelFunc {
  return (params) => {
    const { images } = params.inputs as Record<"images", TensorInfo>;
    const gradient = stock(params) as TensorInfo;
    return { ...gradient, shape: [...images.shape] };
  };
}

function withRank(stock: KernelFunc): KernelFunc {
  return (params) => {
    const { dy } = params.inputs as Record<"dy", TensorInfo>;
    const ranked = { ...dy, rank: dy.shape.length };
    return stock({ ...params, inputs: { ...params.inputs, dy: ranked } });
  };
}

/** Runs the kernel on one image after the other; inputs with one row for all images stay as they are. */
function imageByImage(stock: KernelFunc, memory: CpuMemory): KernelFunc {
  return (params) => {
    const inputs = params.inputs as Readonly<Record<string, TensorInfo>>;
    const numImages = (inputs.image ?? inputs.images)!.shape[0]!;
    if (numImages <= 1) return stock(params);
    const parts = Array.from({ length: numImages }, (_, image) => {
      const rows: TensorInfo[] = [];
      const own: NamedTensorInfoMap = {};
      for (const [name, info] of Object.entries(inputs)) {
        own[name] = info.shape[0] === numImages ? rowOf(info, image, memory) : info;
        if (own[name] !== info) rows.push(own[name]);
      }
      const part = stock({ ...params, inputs: own }) as TensorInfo;
      for (const row of rows) memory.release(row);
      return part;
    });
    return joinRows(parts, memory);
  };
}

function rowOf(info: TensorInfo, row: number, memory: CpuMemory): TensorInfo {
  const shape = [1, ...info.shape.slice(1)];
  const size = sizeOf(shape);
  return memory.create(shape, info.dtype, (out) => {
    out.set(memory.view(info).subarray(row * size, (row + 1) * size));
  });
}

function joinRows(parts: readonly TensorInfo[], memory: CpuMemory): TensorInfo {
  const { shape, dtype } = parts[0]!;
  return memory.create([parts.length, ...shape.slice(1)], dtype, (out) => {
    parts.forEach((part, row) => {
      out.set(memory.view(part), row * sizeOf(shape));
      memory.release(part);
    });
  });
}
