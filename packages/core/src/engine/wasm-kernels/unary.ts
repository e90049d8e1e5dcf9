/**
 * Elementwise functions of one float32 operand, four lanes at a time.
 *
 * @packageDocumentation
 */
import type { TensorInfo } from "@tensorflow/tfjs";
import { sizeOf } from "../shape.ts";
import { wasmKernel, type WasmContext, type WasmKernel } from "./wasm-kernel.ts";

/** The codes of `assembly/unary.ts`. */
const UNARY_CODES = {
  Exp: 0,
  Log: 1,
  Tanh: 2,
  Sigmoid: 3,
  Erf: 4,
  Sqrt: 5,
  Rsqrt: 6,
  Square: 7,
  Reciprocal: 8,
  Cube: 9,
} as const;

type UnaryName = keyof typeof UNARY_CODES;

/** Square is fast as it is; Cube is no kernel of tfjs. */
const REPLACED: readonly UnaryName[] = [
  "Exp",
  "Log",
  "Tanh",
  "Sigmoid",
  "Erf",
  "Sqrt",
  "Rsqrt",
  "Reciprocal",
];

/** The functions that are slow in stock. */
export const unaryKernels: readonly WasmKernel[] = REPLACED.map((name) =>
  wasmKernel<Record<"x", TensorInfo>, Record<string, never>>(name, (call) =>
    call.inputs.x.dtype === "float32" ? apply(call, call.inputs.x, name) : call.stock(),
  ),
);

/** Exponents for which a power is a cheap function. */
const POWERS: ReadonlyMap<number, UnaryName> = new Map([
  [2, "Square"],
  [3, "Cube"],
  [0.5, "Sqrt"],
  [-0.5, "Rsqrt"],
  [-1, "Reciprocal"],
]);

/** `a^b`; a single exponent among {@link POWERS} takes the short way. */
export const pow = wasmKernel<Record<"a" | "b", TensorInfo>, Record<string, never>>("Pow", (call) => {
  const { heap } = call;
  const { a, b } = call.inputs;
  if (a.dtype !== "float32" || sizeOf(b.shape) !== 1 || b.shape.length > a.shape.length) return call.stock();
  const exponent = heap.view(b)[0]!;
  if (exponent === 1) return heap.alias(a, a.shape);
  const name = POWERS.get(exponent);
  return name === undefined ? call.stock() : apply(call, a, name);
});

function apply({ heap, kernels }: WasmContext, x: TensorInfo, name: UnaryName): TensorInfo {
  const out = heap.output(x.shape, "float32");
  kernels.unary(UNARY_CODES[name], heap.address(x), heap.address(out), sizeOf(x.shape));
  return out;
}
