/**
 * The gradients of the poolings. Stock, those of a maximum drop every window without a positive element, and those of an
 * average are wrong at the edges.
 *
 * @packageDocumentation
 */
import type { TensorInfo } from "@tensorflow/tfjs";
import { averagePoolGradient } from "../average-pool-gradient.ts";
import { maxPoolGradient } from "../max-pool-gradient.ts";
import {
  pool2DGeometry,
  pool3DGeometry,
  type Pool2DAttrs,
  type Pool3DAttrs,
  type PoolGeometry,
  type PoolGradientValues,
} from "../pool-geometry.ts";
import { wasmKernel, type WasmKernel } from "./wasm-kernel.ts";

type Gradient = (values: PoolGradientValues, geometry: PoolGeometry) => void;

/** `dx` of the input's shape from `dy`, the input and, of a maximum, the output (which is not read). */
function poolGradient(
  kernelName: string,
  gradient: Gradient,
  geometry: (shape: readonly number[], attrs: object) => PoolGeometry,
): WasmKernel {
  return wasmKernel(kernelName, (call) => {
    const { heap } = call;
    const { dy, input } = call.inputs as Record<"dy" | "input", TensorInfo>;
    if (dy.dtype !== "float32" || input.dtype !== "float32") return call.onCpu(kernelName, call);
    const dx = heap.output(input.shape, "float32");
    const values = { x: heap.view(input), dy: heap.view(dy), dx: heap.view(dx) as Float32Array };
    gradient(values, geometry(input.shape, call.attrs));
    return dx;
  });
}

const in2D = (shape: readonly number[], attrs: object): PoolGeometry =>
  pool2DGeometry(shape, attrs as Pool2DAttrs);
const in3D = (shape: readonly number[], attrs: object): PoolGeometry =>
  pool3DGeometry(shape, attrs as Pool3DAttrs);

/** All of them. */
export const poolGradients: readonly WasmKernel[] = [
  poolGradient("MaxPoolGrad", maxPoolGradient, in2D),
  poolGradient("MaxPool3DGrad", maxPoolGradient, in3D),
  poolGradient("AvgPoolGrad", averagePoolGradient, in2D),
  poolGradient("AvgPool3DGrad", averagePoolGradient, in3D),
];
