/**
 * LayerNorm and RMSNorm in SIMD, forward and backward. Shapes and meaning are those of the reference kernels in
 * `kernels/`.
 *
 * Legend: R = rows (product of the leading dims), D = features.
 *
 * @packageDocumentation
 */
import type { TensorInfo } from "@tensorflow/tfjs";
import {
  LAYER_NORM,
  LAYER_NORM_GRAD,
  type LayerNormAttrs,
  type LayerNormGradInputs,
  type LayerNormInputs,
} from "../../kernels/layer-norm.ts";
import {
  RMS_NORM,
  RMS_NORM_GRAD,
  type RMSNormAttrs,
  type RMSNormGradInputs,
  type RMSNormInputs,
} from "../../kernels/rms-norm.ts";
import { sizeOf } from "../shape.ts";
import { wasmKernel, type WasmContext, type WasmKernel } from "./wasm-kernel.ts";

type NoAttrs = Record<string, never>;

const layerNorm = wasmKernel<LayerNormInputs, LayerNormAttrs>(
  LAYER_NORM,
  ({ heap, kernels, inputs: { x, gamma, beta }, attrs }) => {
    const rows = x.shape.slice(0, -1);
    const outputs = [
      heap.output(x.shape, "float32"),
      heap.output(rows, "float32"),
      heap.output(rows, "float32"),
    ] as const;
    kernels.layerNorm(
      heap.address(x),
      heap.address(gamma),
      heap.address(beta),
      heap.address(outputs[0]),
      heap.address(outputs[1]),
      heap.address(outputs[2]),
      sizeOf(rows),
      x.shape.at(-1)!,
      attrs.epsilon,
    );
    return [...outputs];
  },
);

const rmsNorm = wasmKernel<RMSNormInputs, RMSNormAttrs>(
  RMS_NORM,
  ({ heap, kernels, inputs: { x, gamma }, attrs }) => {
    const rows = x.shape.slice(0, -1);
    const y = heap.output(x.shape, "float32");
    const rstd = heap.output(rows, "float32");
    const addresses = [x, gamma, y, rstd].map((info) => heap.address(info)) as [
      number,
      number,
      number,
      number,
    ];
    kernels.rmsNorm(...addresses, sizeOf(rows), x.shape.at(-1)!, attrs.epsilon);
    return [y, rstd];
  },
);

const layerNormGrad = wasmKernel<LayerNormGradInputs, NoAttrs>(LAYER_NORM_GRAD, (call) => {
  const dbeta = call.heap.output(call.inputs.gamma.shape, "float32");
  return [...normGrad(call, call.inputs, { mean: call.inputs.mean, dbeta }), dbeta];
});

const rmsNormGrad = wasmKernel<RMSNormGradInputs, NoAttrs>(RMS_NORM_GRAD, (call) =>
  normGrad(call, call.inputs, {}),
);

/** `[dx, dgamma]`; `dbeta` is written where given. Without `mean` rows are not centered (RMSNorm). */
function normGrad(
  { heap, kernels }: WasmContext,
  { dy, x, gamma, rstd }: RMSNormGradInputs,
  centered: { readonly mean?: TensorInfo; readonly dbeta?: TensorInfo },
): [TensorInfo, TensorInfo] {
  const features = x.shape.at(-1)!;
  const dx = heap.output(x.shape, "float32");
  const dgamma = heap.output(gamma.shape, "float32");
  const scratch = heap.scratch(kernels.normGradScratchBytes(features));
  kernels.normGrad(
    heap.address(dy),
    heap.address(x),
    heap.address(gamma),
    centered.mean === undefined ? 0 : heap.address(centered.mean),
    heap.address(rstd),
    heap.address(dx),
    heap.address(dgamma),
    centered.dbeta === undefined ? 0 : heap.address(centered.dbeta),
    sizeOf(x.shape.slice(0, -1)),
    features,
    scratch,
  );
  return [dx, dgamma];
}

/** Both normalisations and their gradients. */
export const normalizeKernels: readonly WasmKernel[] = [layerNorm, layerNormGrad, rmsNorm, rmsNormGrad];
