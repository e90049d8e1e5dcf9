/**
 * `Linear` and the gradient of its matrix: leading dims count as rows, so each is one matrix product, and transposes are
 * the product's own.
 *
 * @packageDocumentation
 */
import {
  foldedRows,
  LINEAR,
  LINEAR_GRAD_WEIGHT,
  type LinearAttrs,
  type LinearGradWeightInputs,
  type LinearInputs,
} from "../../kernels/linear.ts";
import { tensorflowKernel, type TensorflowKernel } from "./tensorflow-kernel.ts";

const linear = tensorflowKernel<LinearInputs, LinearAttrs>(
  LINEAR,
  ({ inputs: { x, w }, attrs, op, reshape }) => {
    const rows = reshape(x, foldedRows(x.shape));
    const y = op("MatMul", [rows, w], { transpose_a: false, transpose_b: attrs.transposeW });
    return reshape(y, [...x.shape.slice(0, -1), y.shape[1]!]);
  },
);

const linearGradWeight = tensorflowKernel<LinearGradWeightInputs, Record<string, never>>(
  LINEAR_GRAD_WEIGHT,
  ({ inputs: { x, dy }, op, reshape }) => {
    const [a, b] = [reshape(x, foldedRows(x.shape)), reshape(dy, foldedRows(dy.shape))];
    return op("MatMul", [a, b], { transpose_a: true, transpose_b: false });
  },
);

/** Both of them. */
export const linearKernels: readonly TensorflowKernel[] = [linear, linearGradWeight];
