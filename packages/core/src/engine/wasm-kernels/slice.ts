/**
 * Slice, SplitV, Unpack and Concat: boxes copied by rows.
 *
 * @packageDocumentation
 */
import { backend_util, slice_util, util, type TensorInfo } from "@tensorflow/tfjs";
import { sizeOf } from "../shape.ts";
import { copyBox } from "./copy-box.ts";
import { wasmKernel, type WasmContext } from "./wasm-kernel.ts";

type OneInput = Record<"x", TensorInfo>;

/** `x[begin : begin + size]`. */
export const slice = wasmKernel<OneInput, { begin: number | number[]; size: number | number[] }>(
  "Slice",
  (call) => {
    const { x } = call.inputs;
    if (!isNumeric(x)) return call.stock();
    const [begin, size] = slice_util.parseSliceParams(x, call.attrs.begin, call.attrs.size);
    slice_util.assertParamsValid(x, begin!, size!);
    return cut(call, x, { begin: begin!, size: size! });
  },
);

/** Neighbouring pieces along `axis`. */
export const splitV = wasmKernel<OneInput, { numOrSizeSplits: number | number[]; axis: number }>(
  "SplitV",
  (call) => {
    const { x } = call.inputs;
    if (!isNumeric(x)) return call.stock();
    const axis = util.parseAxisParam(call.attrs.axis, x.shape)[0]!;
    // tfjs asks for a Tensor here but reads only its shape.
    const sizes = backend_util.prepareSplitSize(x, call.attrs.numOrSizeSplits, axis);
    let start = 0;
    return sizes.map((length) => {
      const begin = x.shape.map((_, dim) => (dim === axis ? start : 0));
      start += length;
      return cut(call, x, { begin, size: x.shape.map((full, dim) => (dim === axis ? length : full)) });
    });
  },
);

/** All slices of length 1 along `axis`, without that dim. */
export const unpack = wasmKernel<Record<"value", TensorInfo>, { axis: number }>("Unpack", (call) => {
  const { value } = call.inputs;
  if (!isNumeric(value)) return call.stock();
  const axis = util.parseAxisParam(call.attrs.axis, value.shape)[0]!;
  const shape = value.shape.filter((_, dim) => dim !== axis);
  return Array.from({ length: value.shape[axis]! }, (_, i) => {
    const begin = value.shape.map((_size, dim) => (dim === axis ? i : 0));
    const piece = cut(call, value, {
      begin,
      size: value.shape.map((full, dim) => (dim === axis ? 1 : full)),
    });
    return { ...piece, shape };
  });
});

/** The inputs side by side along `axis`. */
export const concat = wasmKernel<Record<string, TensorInfo>, { axis: number }>("Concat", (call) => {
  const parts = Object.values(call.inputs);
  const first = parts[0]!;
  const axis = util.parseAxisParam(call.attrs.axis, first.shape)[0]!;
  const shapes = parts.map((part) => part.shape);
  if (!parts.every(isNumeric) || parts.some((part) => part.dtype !== first.dtype)) return call.stock();
  backend_util.assertParamsConsistent(shapes, axis);
  const out = call.heap.output(backend_util.computeOutShape(shapes, axis), first.dtype);
  let start = 0;
  for (const part of parts) {
    const begin = part.shape.map((_, dim) => (dim === axis ? start : 0));
    copyBox(call, part.shape, {
      from: { info: part, begin: part.shape.map(() => 0) },
      to: { info: out, begin },
    });
    start += part.shape[axis]!;
  }
  return out;
});

function cut(
  context: WasmContext,
  x: TensorInfo,
  { begin, size }: { readonly begin: readonly number[]; readonly size: readonly number[] },
): TensorInfo {
  const out = context.heap.output(size, x.dtype);
  if (sizeOf(size) > 0) {
    copyBox(context, size, { from: { info: x, begin }, to: { info: out, begin: size.map(() => 0) } });
  }
  return out;
}

function isNumeric(info: TensorInfo): boolean {
  return info.dtype === "float32" || info.dtype === "int32" || info.dtype === "bool";
}
