/**
 * The fused kernels of `kernels/` in SIMD. Shapes and meaning are those of the reference kernels there.
 *
 * Legend: T = positions, S = columns.
 *
 * @packageDocumentation
 */
import type { TensorInfo } from "@tensorflow/tfjs";
import { ADAMW_UPDATE, type AdamWUpdateAttrs, type AdamWUpdateInputs } from "../../kernels/adamw-update.ts";
import {
  CAUSAL_SOFTMAX,
  CAUSAL_SOFTMAX_GRAD,
  type CausalSoftmaxAttrs,
  type CausalSoftmaxGradInputs,
  type CausalSoftmaxInputs,
} from "../../kernels/causal-softmax.ts";
import { DROPOUT, dropoutThreshold, type DropoutAttrs, type DropoutInputs } from "../../kernels/dropout.ts";
import { GELU, GELU_GRAD, type GeluAttrs, type GeluGradInputs, type GeluInputs } from "../../kernels/gelu.ts";
import { forEachRun } from "../../random/region.ts";
import { sizeOf } from "../shape.ts";
import { wasmKernel, type WasmKernel } from "./wasm-kernel.ts";

const gelu = wasmKernel<GeluInputs, GeluAttrs>(GELU, ({ heap, kernels, inputs: { x }, attrs }) => {
  const y = heap.output(x.shape, "float32");
  kernels.gelu(Number(attrs.approximate === "tanh"), heap.address(x), heap.address(y), sizeOf(x.shape));
  return y;
});

const geluGrad = wasmKernel<GeluGradInputs, GeluAttrs>(GELU_GRAD, ({ heap, kernels, inputs, attrs }) => {
  const { dy, x } = inputs;
  const dx = heap.output(x.shape, "float32");
  const approximate = Number(attrs.approximate === "tanh");
  kernels.geluGrad(approximate, heap.address(dy), heap.address(x), heap.address(dx), sizeOf(x.shape));
  return dx;
});

/** `[batch, T, S]` of a shape `[..., T, S]`. */
function matrices(shape: readonly number[]): [batch: number, rows: number, columns: number] {
  return [sizeOf(shape.slice(0, -2)), shape.at(-2)!, shape.at(-1)!];
}

const causalSoftmax = wasmKernel<CausalSoftmaxInputs, CausalSoftmaxAttrs>(
  CAUSAL_SOFTMAX,
  ({ heap, kernels, inputs: { x }, attrs }) => {
    const y = heap.output(x.shape, "float32");
    kernels.causalSoftmax(heap.address(x), heap.address(y), ...matrices(x.shape), attrs.scale);
    return y;
  },
);

const causalSoftmaxGrad = wasmKernel<CausalSoftmaxGradInputs, CausalSoftmaxAttrs>(
  CAUSAL_SOFTMAX_GRAD,
  ({ heap, kernels, inputs: { dy, y }, attrs }) => {
    const dx = heap.output(y.shape, "float32");
    const addresses = [heap.address(dy), heap.address(y), heap.address(dx)] as const;
    kernels.causalSoftmaxGrad(...addresses, ...matrices(y.shape), attrs.scale);
    return dx;
  },
);

const dropout = wasmKernel<DropoutInputs, DropoutAttrs>(
  DROPOUT,
  ({ heap, kernels, inputs: { x }, attrs }) => {
    const y = heap.output(x.shape, "float32");
    const scratch = heap.scratch(kernels.dropoutScratchBytes());
    const [from, to] = [heap.address(x), heap.address(y)];
    const threshold = dropoutThreshold(attrs.rate);
    const scale = 1 / (1 - attrs.rate);
    const region = { globalShape: attrs.globalShape, localShape: x.shape, offset: attrs.offset };
    forEachRun(region, (globalStart, localStart, length) => {
      const low = globalStart % 2 ** 32;
      const high = Math.floor(globalStart / 2 ** 32);
      kernels.dropout(
        from + 4 * localStart,
        to + 4 * localStart,
        length,
        low,
        high,
        ...attrs.key,
        threshold,
        scale,
        scratch,
      );
    });
    return y;
  },
);

const adamWUpdate = wasmKernel<AdamWUpdateInputs, AdamWUpdateAttrs>(
  ADAMW_UPDATE,
  ({ heap, kernels, inputs, attrs }) => {
    const { parameter, gradient, m, v } = inputs;
    const { learningRate, beta1, beta2, epsilon, weightDecay, step } = attrs;
    const outputs: [TensorInfo, TensorInfo, TensorInfo] = [
      heap.output(parameter.shape, "float32"),
      heap.output(parameter.shape, "float32"),
      heap.output(parameter.shape, "float32"),
    ];
    kernels.adamW(
      heap.address(parameter),
      heap.address(gradient),
      heap.address(m),
      heap.address(v),
      heap.address(outputs[0]),
      heap.address(outputs[1]),
      heap.address(outputs[2]),
      sizeOf(parameter.shape),
      1 - beta1,
      beta2,
      1 - beta2,
      1 - learningRate * weightDecay,
      learningRate / (1 - beta1 ** step),
      1 / Math.sqrt(1 - beta2 ** step),
      epsilon,
    );
    return outputs;
  },
);

/** All of them but the normalisations and cross-entropy. */
export const fusedKernels: readonly WasmKernel[] = [
  gelu,
  geluGrad,
  causalSoftmax,
  causalSoftmaxGrad,
  dropout,
  adamWUpdate,
];
