/**
 * The product of rows and a matrix, whatever the leading dims, and the gradient of its matrix.
 *
 * Legend: B = any leading dims, R = product of B (rows), I = input features, O = output features.
 *
 * ```text
 * Linear             y = x W           [B, I] x [I, O] -> [B, O]     W is stored [O, I] with transposeW
 * LinearGradWeight   g = sum_rows x dy [B, I] x [B, O] -> [I, O]
 *
 * backward of Linear             dx = Linear(dy, W^T);  dW = LinearGradWeight(x, dy)
 * backward of LinearGradWeight   dx = Linear(dy, g^T);  d(dy) = Linear(x, g)
 * ```
 *
 * tfjs' own product would broadcast W over the batch dims, and then differentiates it wrongly. Folding the leading dims
 * into rows by a reshape is right, but a sharded tensor keeps only the split of the outermost dim through it. These
 * kernels fold inside, on local data, where it is free.
 *
 * @packageDocumentation
 */
import {
  engine,
  getKernel,
  Tensor,
  type GradConfig,
  type KernelBackend,
  type NamedAttrMap,
  type NamedTensorInfoMap,
  type TensorInfo,
} from "@tensorflow/tfjs";
import { ContractError } from "../errors.ts";
import type { ReferenceKernel } from "./reference.ts";
import { requireDtype } from "./shape-check.ts";

/** Output: one tensor, `[B, O]`. */
export const LINEAR = "Linear";
/** Output: one tensor, `[I, O]`. No attributes. */
export const LINEAR_GRAD_WEIGHT = "LinearGradWeight";

/** `x: [B, I]`, `w: [I, O]` (`[O, I]` with `transposeW`). */
export type LinearInputs = Record<"x" | "w", TensorInfo>;
/** `x: [B, I]`, `dy: [B, O]`. */
export type LinearGradWeightInputs = Record<"x" | "dy", TensorInfo>;
/** `transposeW`: `w` is stored `[O, I]`. */
export type LinearAttrs = { readonly transposeW: boolean }; // eslint-disable-line @typescript-eslint/consistent-type-definitions -- an interface does not fit NamedAttrMap

/**
 * `x W`, over the last dim of `x`.
 *
 * @param x - `[B, I]`
 * @param w - `[I, O]`, or `[O, I]` with `transposeW`
 * @returns `[B, O]`; the caller's scope owns it
 * @throws ContractError if `w` is no matrix of `I` rows (columns with `transposeW`), or an input is not float32.
 */
export function linear(x: Tensor, w: Tensor, options: { readonly transposeW?: boolean } = {}): Tensor {
  const { transposeW = false } = options;
  requireDtype("linear: x", x, "float32");
  requireDtype("linear: w", w, "float32");
  const features = x.shape.at(-1);
  if (features === undefined || w.rank !== 2 || w.shape[transposeW ? 1 : 0] !== features) {
    const form = transposeW ? "[O, I]" : "[I, O]";
    throw new ContractError(
      `linear: w (shape [${w.shape.join(", ")}]) must have shape ${form} with I the last dim of x (shape [${x.shape.join(", ")}]); use matching sizes, or transposeW.`,
    );
  }
  const attrs: LinearAttrs = { transposeW };
  return engine().runKernel<Tensor>(LINEAR, { x, w }, attrs);
}

/** Input and weight gradient are kernels of their own, so that either can be had without the other. */
export const linearGradConfig: GradConfig = {
  kernelName: LINEAR,
  inputsToSave: ["x", "w"],
  gradFunc: (dy, saved, attrs) => {
    const [x, w] = saved as [Tensor, Tensor];
    const { transposeW } = attrs as LinearAttrs;
    return {
      x: () => linear(dy as Tensor, w, { transposeW: !transposeW }),
      w: () => (transposeW ? linearGradWeight(dy as Tensor, x) : linearGradWeight(x, dy as Tensor)),
    };
  },
};

/** Both gradients are linear kernels again. */
export const linearGradWeightGradConfig: GradConfig = {
  kernelName: LINEAR_GRAD_WEIGHT,
  inputsToSave: ["x", "dy"],
  gradFunc: (dg, saved) => {
    const [x, dy] = saved as [Tensor, Tensor];
    return {
      x: () => linear(dy, dg as Tensor, { transposeW: true }),
      dy: () => linear(x, dg as Tensor),
    };
  },
};

function linearGradWeight(x: Tensor, dy: Tensor): Tensor {
  return engine().runKernel<Tensor>(LINEAR_GRAD_WEIGHT, { x, dy });
}

/** The shape with all leading dims as one: `[B, D]` to `[R, D]`. */
export function foldedRows(shape: readonly number[]): [rows: number, features: number] {
  let rows = 1;
  for (let dim = 0; dim < shape.length - 1; dim++) rows *= shape[dim]!;
  return [rows, shape.at(-1)!];
}

/** `Linear` by the engine's own `Reshape` and `BatchMatMul`. */
export const linearReference: ReferenceKernel = {
  kernelName: LINEAR,
  kernelFunc:
    () =>
    ({ inputs, attrs, backend }) => {
      const { x, w } = inputs as LinearInputs;
      const { transposeW } = attrs as LinearAttrs;
      const run = kernelsOf(backend);
      const rows = run("Reshape", { x }, { shape: foldedRows(x.shape) });
      const product = run("BatchMatMul", { a: rows, b: w }, { transposeA: false, transposeB: transposeW });
      release(rows, backend);
      const y = run("Reshape", { x: product }, { shape: [...x.shape.slice(0, -1), product.shape[1]!] });
      release(product, backend);
      return y;
    },
};

/** `LinearGradWeight` by the engine's own `Reshape` and `BatchMatMul`. */
export const linearGradWeightReference: ReferenceKernel = {
  kernelName: LINEAR_GRAD_WEIGHT,
  kernelFunc:
    () =>
    ({ inputs, backend }) => {
      const { x, dy } = inputs as LinearGradWeightInputs;
      const run = kernelsOf(backend);
      const a = run("Reshape", { x }, { shape: foldedRows(x.shape) });
      const b = run("Reshape", { x: dy }, { shape: foldedRows(dy.shape) });
      const product = run("BatchMatMul", { a, b }, { transposeA: true, transposeB: false });
      release(a, backend);
      release(b, backend);
      return product;
    },
};

/** Runs a kernel of the engine, on inputs by name or on a list. */
export type RunKernel = (
  kernelName: string,
  inputs: Readonly<Record<string, TensorInfo>> | readonly TensorInfo[],
  attrs: NamedAttrMap,
) => TensorInfo;

/** The engine's kernels. While one of them runs, tfjs' current backend is the engine's. */
export function kernelsOf(backend: object): RunKernel {
  const { backendName } = engine();
  return (kernelName, inputs, attrs) =>
    // tfjs types inputs as named; kernels of lists take the list itself.
    getKernel(kernelName, backendName).kernelFunc({
      inputs: inputs as NamedTensorInfoMap,
      attrs,
      backend,
    }) as TensorInfo;
}

/** Gives up what a kernel returned. Kernels of the native engine return whole tensors. */
export function release(info: TensorInfo, backend: object): void {
  if (info instanceof Tensor) info.dispose();
  else (backend as KernelBackend).disposeData(info.dataId);
}
