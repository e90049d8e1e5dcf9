/**
 * Maximum, Minimum, comparisons and Select on float32, with broadcasting.
 *
 * @packageDocumentation
 */
import { backend_util, util, type TensorInfo } from "@tensorflow/tfjs";
import { broadcastSteps, forEachPoint, joinDims, sizeOf, stridesOf } from "../shape.ts";
import { wasmKernel, type WasmContext, type WasmKernel } from "./wasm-kernel.ts";

/** The codes of `assembly/binary.ts`. */
const BINARY_CODES = {
  Maximum: 0,
  Minimum: 1,
  Equal: 2,
  NotEqual: 3,
  Less: 4,
  LessEqual: 5,
  Greater: 6,
  GreaterEqual: 7,
} as const;

type BinaryName = keyof typeof BINARY_CODES;
type BinaryInputs = Record<"a" | "b", TensorInfo>;

/** The functions that are slow in stock; comparisons give bool. */
export const binaryKernels: readonly WasmKernel[] = (Object.keys(BINARY_CODES) as BinaryName[]).map((name) =>
  wasmKernel<BinaryInputs, Record<string, never>>(name, (call) => {
    const { a, b } = call.inputs;
    return a.dtype === "float32" && b.dtype === "float32" ? apply(call, { a, b }, name) : call.stock();
  }),
);

function apply({ heap, kernels }: WasmContext, { a, b }: BinaryInputs, name: BinaryName): TensorInfo {
  const shape = backend_util.assertAndGetBroadcastShape(a.shape, b.shape);
  const dtype = name === "Maximum" || name === "Minimum" ? "float32" : "bool";
  const out = heap.output(shape, dtype);
  const { sizes, steps } = joinDims({
    sizes: shape,
    steps: [broadcastSteps(a.shape, shape), broadcastSteps(b.shape, shape), stridesOf(shape)],
  });
  const inner = sizes.at(-1) ?? 1;
  const [aStep, bStep] = [steps[0]!.at(-1) ?? 0, steps[1]!.at(-1) ?? 0];
  const [pa, pb, pc] = [heap.address(a), heap.address(b), heap.address(out)];
  const width = util.bytesPerElement(dtype);
  const outer = { sizes: sizes.slice(0, -1), steps: steps.map((step) => step.slice(0, -1)) };
  if (sizeOf(shape) === 0) return out;
  forEachPoint(outer, ([oa, ob, oc]) => {
    kernels.binary(
      BINARY_CODES[name],
      pa + 4 * oa!,
      Math.sign(aStep),
      pb + 4 * ob!,
      Math.sign(bStep),
      pc + width * oc!,
      inner,
    );
  });
  return out;
}

/** `condition ? t : e`, element by element. */
export const select = wasmKernel<Record<"condition" | "t" | "e", TensorInfo>, Record<string, never>>(
  "Select",
  (call) => {
    const { heap, kernels } = call;
    const { condition, t, e } = call.inputs;
    const sameShape = condition.shape.length === t.shape.length;
    const words = t.dtype === e.dtype && (t.dtype === "float32" || t.dtype === "int32");
    if (!sameShape || !words || condition.dtype !== "bool") return call.stock();
    const out = heap.output(t.shape, t.dtype);
    kernels.select(
      heap.address(condition),
      heap.address(t),
      heap.address(e),
      heap.address(out),
      sizeOf(t.shape),
    );
    return out;
  },
);
