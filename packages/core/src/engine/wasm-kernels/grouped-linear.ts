/**
 * `GroupedLinear` and the gradient of its matrices: each group's rows are multiplied where they lie, and its part of the
 * result is written where it belongs. No slice, no concatenation.
 *
 * @packageDocumentation
 */
import {
  filledGroups,
  GROUPED_LINEAR,
  GROUPED_LINEAR_GRAD_WEIGHT,
  type GroupedLinearAttrs,
  type GroupedLinearGradWeightAttrs,
  type GroupedLinearGradWeightInputs,
  type GroupedLinearInputs,
} from "../../kernels/grouped-linear.ts";
import { multiplyOne } from "./mat-mul.ts";
import { wasmKernel, type WasmKernel } from "./wasm-kernel.ts";

const BYTES = Float32Array.BYTES_PER_ELEMENT;

const groupedLinear = wasmKernel<GroupedLinearInputs, GroupedLinearAttrs>(GROUPED_LINEAR, (call) => {
  const { inputs, attrs, heap } = call;
  const { x, w } = inputs;
  const [numRows, k] = x.shape as [number, number];
  const n = w.shape[attrs.transposeW ? 1 : 2]!;
  const out = heap.output([numRows, n], "float32");
  if (k === 0) heap.view(out).fill(0);
  if (k === 0 || n === 0) return out;
  const [a, b, c] = [heap.address(x), heap.address(w), heap.address(out)];
  for (const { group, start, count } of filledGroups(attrs.counts)) {
    const product = { m: count, n, k, transposeA: false, transposeB: attrs.transposeW };
    const at = { a: a + BYTES * start * k, b: b + BYTES * group * k * n, c: c + BYTES * start * n };
    multiplyOne(call, product, at);
  }
  return out;
});

const groupedLinearGradWeight = wasmKernel<GroupedLinearGradWeightInputs, GroupedLinearGradWeightAttrs>(
  GROUPED_LINEAR_GRAD_WEIGHT,
  (call) => {
    const { inputs, attrs, heap } = call;
    const { x, dy } = inputs;
    const [m, n] = [x.shape[1]!, dy.shape[1]!];
    const out = heap.output([attrs.counts.length, m, n], "float32");
    const elements = heap.view(out);
    attrs.counts.forEach((count, group) => {
      if (count === 0) elements.fill(0, group * m * n, (group + 1) * m * n);
    });
    if (m * n === 0) return out;
    const [a, b, c] = [heap.address(x), heap.address(dy), heap.address(out)];
    for (const { group, start, count } of filledGroups(attrs.counts)) {
      const product = { m, n, k: count, transposeA: true, transposeB: false };
      const at = { a: a + BYTES * start * m, b: b + BYTES * start * n, c: c + BYTES * group * m * n };
      multiplyOne(call, product, at);
    }
    return out;
  },
);

/** Both of them. */
export const groupedLinearKernels: readonly WasmKernel[] = [groupedLinear, groupedLinearGradWeight];
