/**
 * Cross-entropy in SIMD. Shapes and meaning are those of the reference kernels in `kernels/`.
 *
 * Legend: T = tokens (product of the leading dims), V = classes held.
 *
 * @packageDocumentation
 */
import type { TensorInfo } from "@tensorflow/tfjs";
import { InternalError } from "../../errors.ts";
import {
  checkLabels,
  CROSS_ENTROPY_SUMS,
  numSums,
  type CrossEntropyAttrs,
  type CrossEntropySumsInputs,
} from "../../kernels/cross-entropy-parts.ts";
import {
  CROSS_ENTROPY,
  CROSS_ENTROPY_GRAD,
  type CrossEntropyGradInputs,
  type CrossEntropyInputs,
} from "../../kernels/cross-entropy.ts";
import { sizeOf } from "../shape.ts";
import type { WasmHeap } from "../wasm-internals.ts";
import { wasmKernel, type WasmKernel } from "./wasm-kernel.ts";

const crossEntropy = wasmKernel<CrossEntropyInputs, CrossEntropyAttrs>(
  CROSS_ENTROPY,
  ({ heap, kernels, inputs: { logits, labels }, attrs }) => {
    checkLabels(integers(heap, labels), attrs);
    const loss = heap.output(labels.shape, "float32");
    const logSumExp = heap.output(labels.shape, "float32");
    kernels.crossEntropy(
      heap.address(logits),
      heap.address(labels),
      heap.address(loss),
      heap.address(logSumExp),
      sizeOf(labels.shape),
      attrs.numClasses,
      attrs.ignoreIndex,
      attrs.labelSmoothing,
      attrs.zLoss,
    );
    return [loss, logSumExp];
  },
);

const crossEntropySums = wasmKernel<CrossEntropySumsInputs, CrossEntropyAttrs>(
  CROSS_ENTROPY_SUMS,
  ({ heap, kernels, inputs: { logits, labels, max }, attrs }) => {
    checkLabels(integers(heap, labels), attrs);
    const rows = numSums(attrs);
    const sums = heap.output([rows, ...labels.shape], "float32");
    kernels.crossEntropySums(
      heap.address(logits),
      heap.address(labels),
      heap.address(max),
      heap.address(sums),
      sizeOf(labels.shape),
      logits.shape.at(-1)!,
      attrs.firstClass,
      Number(rows === 3),
    );
    return sums;
  },
);

const crossEntropyGrad = wasmKernel<CrossEntropyGradInputs, CrossEntropyAttrs>(
  CROSS_ENTROPY_GRAD,
  ({ heap, kernels, inputs, attrs }) => {
    const { dy, logits, labels, logSumExp } = inputs;
    const dlogits = heap.output(logits.shape, "float32");
    kernels.crossEntropyGrad(
      heap.address(dy),
      heap.address(logits),
      heap.address(labels),
      heap.address(logSumExp),
      heap.address(dlogits),
      sizeOf(labels.shape),
      logits.shape.at(-1)!,
      attrs.firstClass,
      attrs.ignoreIndex,
      attrs.labelSmoothing,
      attrs.labelSmoothing / attrs.numClasses,
      attrs.zLoss,
    );
    return dlogits;
  },
);

function integers(heap: WasmHeap, info: TensorInfo): Int32Array {
  const view = heap.view(info);
  if (!(view instanceof Int32Array)) throw new InternalError(`a ${info.dtype} tensor where int32 is needed`);
  return view;
}

/** The loss, its sums over some of the classes, and its gradient. */
export const crossEntropyKernels: readonly WasmKernel[] = [crossEntropy, crossEntropySums, crossEntropyGrad];
