/**
 * `Linear` and the gradient of its matrix: leading dims count as rows, so each is one matrix product on the data as it
 * lies.
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
import { wasmKernel, type WasmKernel } from "./wasm-kernel.ts";

const linear = wasmKernel<LinearInputs, LinearAttrs>(LINEAR, ({ inputs: { x, w }, attrs, run }) => {
  const a = { ...x, shape: foldedRows(x.shape) };
  const y = run("BatchMatMul", {
    inputs: { a, b: w },
    attrs: { transposeA: false, transposeB: attrs.transposeW },
  });
  return { dataId: y.dataId, dtype: y.dtype, shape: [...x.shape.slice(0, -1), y.shape[1]!] };
});

const linearGradWeight = wasmKernel<LinearGradWeightInputs, Record<string, never>>(
  LINEAR_GRAD_WEIGHT,
  ({ inputs: { x, dy }, run }) => {
    const a = { ...x, shape: foldedRows(x.shape) };
    const b = { ...dy, shape: foldedRows(dy.shape) };
    return run("BatchMatMul", { inputs: { a, b }, attrs: { transposeA: true, transposeB: false } });
  },
);

/** Both of them. */
export const linearKernels: readonly WasmKernel[] = [linear, linearGradWeight];
