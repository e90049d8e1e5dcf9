/**
 * Reductions: Sum and Mean that keep their digits, and a fast way to the stock kernels for axes that are not innermost.
 *
 * @packageDocumentation
 */
import { backend_util, util, type TensorInfo } from "@tensorflow/tfjs";
import { sizeOf } from "../shape.ts";
import { wasmKernel, type WasmContext, type WasmKernel } from "./wasm-kernel.ts";

type ReduceInputs = Record<"x", TensorInfo>;
// eslint-disable-next-line @typescript-eslint/consistent-type-definitions -- an interface does not fit NamedAttrMap
type ReduceAttrs = { axis: number | number[]; keepDims: boolean };

/** Neighbouring dims that are all reduced or all kept. */
interface DimGroup {
  readonly size: number;
  readonly reduced: boolean;
}

/** The sum over `axis`, float64 across blocks of 256. */
export const sum = wasmKernel<ReduceInputs, ReduceAttrs>("Sum", (call) =>
  call.inputs.x.dtype === "float32"
    ? reduce(call, call.inputs.x, { ...call.attrs, mean: false })
    : call.stock(),
);

/** The mean over `axis`, float64 across blocks of 256. */
export const mean = wasmKernel<ReduceInputs, ReduceAttrs>("Mean", (call) =>
  call.inputs.x.dtype === "float32"
    ? reduce(call, call.inputs.x, { ...call.attrs, mean: true })
    : call.stock(),
);

/** The attribute that holds the axes of each of them. */
const AXIS_ATTRIBUTES = {
  Max: "reductionIndices",
  Min: "axis",
  Prod: "axis",
  All: "axis",
  Any: "axis",
} as const;

/** Reductions whose stock kernels are fast over innermost axes only, because their own transpose is slow. */
export const innermostReductions: readonly WasmKernel[] = Object.entries(AXIS_ATTRIBUTES).map(
  ([kernelName, attribute]) =>
    wasmKernel<ReduceInputs, Record<string, number | number[]> & { keepDims: boolean }>(
      kernelName,
      (call) => {
        const { x } = call.inputs;
        const axes = util.parseAxisParam(call.attrs[attribute]!, x.shape);
        const perm = backend_util.getAxesPermutation(axes, x.shape.length);
        if (perm === null || sizeOf(x.shape) === 0) return call.stock();
        const permuted = call.run("Transpose", { inputs: { x }, attrs: { perm } });
        const axis = backend_util.getInnerMostAxes(axes.length, x.shape.length);
        const attrs = { [attribute]: axis, keepDims: false };
        const out = call.stock({ inputs: { x: permuted }, attrs }) as TensorInfo;
        call.heap.release(permuted);
        return { ...out, shape: reducedShape(x.shape, axes, call.attrs.keepDims) };
      },
    ),
);

function reduce(
  context: WasmContext,
  x: TensorInfo,
  { axis, keepDims, mean }: ReduceAttrs & { readonly mean: boolean },
): TensorInfo {
  const axes = util.parseAxisParam(axis, x.shape);
  const shape = reducedShape(x.shape, axes, keepDims);
  const count = axes.reduce((product, dim) => product * x.shape[dim]!, 1);
  let groups: readonly DimGroup[] = groupDims(x.shape, axes);
  let numReduced = groups.filter((group) => group.reduced).length;
  if (numReduced === 0) return context.heap.alias(x, shape);
  let current = x;
  for (; numReduced > 0; numReduced--) {
    const at = groups.findLastIndex((group) => group.reduced);
    const divisor = mean && numReduced === 1 ? count : 1;
    const next = reduceGroup(context, current, { groups, at, divisor });
    if (current !== x) context.heap.release(current);
    current = next;
    groups = groups.filter((_, index) => index !== at);
  }
  return { dataId: current.dataId, dtype: current.dtype, shape };
}

/** Reduces one group; the result has unspecified shape and the elements of the other groups in order. */
function reduceGroup(
  { heap, kernels }: WasmContext,
  x: TensorInfo,
  {
    groups,
    at,
    divisor,
  }: { readonly groups: readonly DimGroup[]; readonly at: number; readonly divisor: number },
): TensorInfo {
  const outer = sizeOf(groups.slice(0, at).map((group) => group.size));
  const inner = sizeOf(groups.slice(at + 1).map((group) => group.size));
  const length = groups[at]!.size;
  const out = heap.output([outer, inner], "float32");
  if (inner === 1) {
    kernels.sumRows(heap.address(x), heap.address(out), outer, length, divisor);
    return out;
  }
  const totals = heap.scratch(8 * inner);
  const [from, to] = [heap.address(x), heap.address(out)];
  for (let o = 0; o < outer; o++) {
    kernels.sumColumns(from + 4 * o * length * inner, to + 4 * o * inner, length, inner, divisor, totals);
  }
  return out;
}

function groupDims(shape: readonly number[], axes: readonly number[]): DimGroup[] {
  const groups: DimGroup[] = [];
  for (const [dim, size] of shape.entries()) {
    if (size === 1) continue;
    const reduced = axes.includes(dim);
    const last = groups.at(-1);
    if (last?.reduced === reduced) groups[groups.length - 1] = { size: last.size * size, reduced };
    else groups.push({ size, reduced });
  }
  return groups;
}

function reducedShape(shape: readonly number[], axes: readonly number[], keepDims: boolean): number[] {
  if (keepDims) return shape.map((size, dim) => (axes.includes(dim) ? 1 : size));
  return shape.filter((_, dim) => !axes.includes(dim));
}
