/**
 * Gradients of poolings that the cpu backend has wrong, and the right ones.
 *
 * | kernel                         | stock                                                   |
 * | ------------------------------ | ------------------------------------------------------- |
 * | `AvgPoolGrad`, `AvgPool3DGrad` | divides by the whole window, also where it hangs over   |
 * | `MaxPool3DGrad`                | takes the height of the window for its width            |
 *
 * @packageDocumentation
 */
import type { KernelFunc, TensorInfo } from "@tensorflow/tfjs";
import { averagePoolGradient } from "./average-pool-gradient.ts";
import type { CpuRepair } from "./cpu-image-corrections.ts";
import type { CpuMemory } from "./cpu-internals.ts";
import { maxPoolGradient } from "./max-pool-gradient.ts";
import {
  pool2DGeometry,
  pool3DGeometry,
  type Pool2DAttrs,
  type Pool3DAttrs,
  type PoolGeometry,
  type PoolGradientValues,
} from "./pool-geometry.ts";

/** The repairs of the kernels above. */
export const cpuPoolRepairs: readonly CpuRepair[] = [
  { kernelName: "AvgPoolGrad", repair: (_, memory) => poolGradient(memory, averagePoolGradient, in2D) },
  { kernelName: "AvgPool3DGrad", repair: (_, memory) => poolGradient(memory, averagePoolGradient, in3D) },
  { kernelName: "MaxPool3DGrad", repair: (_, memory) => poolGradient(memory, maxPoolGradient, in3D) },
];

function in2D(shape: readonly number[], attrs: object): PoolGeometry {
  return pool2DGeometry(shape, attrs as Pool2DAttrs);
}

function in3D(shape: readonly number[], attrs: object): PoolGeometry {
  return pool3DGeometry(shape, attrs as Pool3DAttrs);
}

function poolGradient(
  memory: CpuMemory,
  gradient: (values: PoolGradientValues, geometry: PoolGeometry) => void,
  geometry: (shape: readonly number[], attrs: object) => PoolGeometry,
): KernelFunc {
  return ({ inputs, attrs }) => {
    const { dy, input } = inputs as Record<"dy" | "input", TensorInfo>;
    return memory.create(input.shape, "float32", (dx) => {
      const values = { x: memory.view(input), dy: memory.view(dy), dx: dx as Float32Array };
      gradient(values, geometry(input.shape, attrs as object));
    });
  };
}
