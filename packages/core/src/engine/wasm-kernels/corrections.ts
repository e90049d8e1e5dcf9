/**
 * Stock kernels that give wrong results for some arguments, and what makes them right.
 *
 * @packageDocumentation
 */
import { util, type DataType, type TensorInfo } from "@tensorflow/tfjs";
import { wasmKernel, type WasmKernel } from "./wasm-kernel.ts";

type OneInput = Record<"x", TensorInfo>;
// eslint-disable-next-line @typescript-eslint/consistent-type-definitions -- an interface does not fit NamedAttrMap
type CumulativeAttrs = { axis: number; exclusive: boolean; reverse: boolean };

/** Cumsum and Cumprod read outside the tensor for a negative axis. */
export const cumulativeKernels: readonly WasmKernel[] = ["Cumsum", "Cumprod"].map((kernelName) =>
  wasmKernel<OneInput, CumulativeAttrs>(kernelName, (call) => {
    const axis = util.parseAxisParam(call.attrs.axis, call.inputs.x.shape)[0]!;
    return call.stock({ attrs: { ...call.attrs, axis } });
  }),
);

/** A cast to bool is true for everything but zero; stock keeps the low 8 bits of the integer part. */
export const cast = wasmKernel<OneInput, { dtype: DataType }>("Cast", (call) => {
  const { heap } = call;
  const { x } = call.inputs;
  const toBool = call.attrs.dtype === "bool" && (x.dtype === "float32" || x.dtype === "int32");
  if (!toBool) return call.stock();
  const out = heap.output(x.shape, "bool");
  const from = heap.view(x);
  const to = heap.view(out);
  for (let i = 0; i < to.length; i++) to[i] = from[i] === 0 ? 0 : 1;
  return out;
});

/**
 * Stock kernels that are wrong, where the cpu backend's are right: a maximum of negative elements comes out as the
 * smallest positive float; the gradient of a three-dimensional convolution for its input is not its slope.
 */
export const rightOnCpu: readonly WasmKernel[] = [
  "Conv3DBackpropInputV2",
  "Dilation2D",
  "Dilation2DBackpropFilter",
  "Dilation2DBackpropInput",
  "MaxPool3D",
  "MaxPoolWithArgmax",
].map((kernelName) => wasmKernel(kernelName, (call) => call.onCpu(kernelName, call)));
