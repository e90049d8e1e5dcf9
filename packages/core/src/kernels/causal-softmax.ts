/**
 * Scaled softmax over the columns that a position may see, as one kernel forward and one backward.
 *
 * Legend: B = any leading dims, T = query positions (rows), S = key positions (columns), `S >= T`. The last query sees
 * all keys: row `i` sees columns `j <= i + S - T`.
 *
 * ```text
 * T = 3, S = 3      T = 2, S = 3
 *   x . .             x x .
 *   x x .             x x x
 *   x x x
 *
 * forward    y = softmax(scale x) over the seen columns, exactly 0 elsewhere
 * backward   dx = scale y (dy - sum_columns(dy y))
 * ```
 *
 * @see Vaswani et al. 2017, "Attention is all you need", section 3.2, https://arxiv.org/abs/1706.03762
 * @packageDocumentation
 */
import { engine, type GradConfig, type Tensor, type TensorInfo } from "@tensorflow/tfjs";
import { ContractError } from "../errors.ts";
import { createFloats, referenceKernel, viewFloats, type KernelCall } from "./reference.ts";
import { requireDtype } from "./shape-check.ts";

/** Output: one tensor of the shape of `x`. */
export const CAUSAL_SOFTMAX = "CausalSoftmax";
/** Output: one tensor, the gradient of `x`. Same attributes as `CausalSoftmax`. */
export const CAUSAL_SOFTMAX_GRAD = "CausalSoftmaxGrad";

/** `x: [B, T, S]`. */
export type CausalSoftmaxInputs = Record<"x", TensorInfo>;
/** `dy: [B, T, S]`, `y: [B, T, S]`. */
export type CausalSoftmaxGradInputs = Record<"dy" | "y", TensorInfo>;
/** `scale` multiplies `x` before the exponential. */
export type CausalSoftmaxAttrs = { readonly scale: number }; // eslint-disable-line @typescript-eslint/consistent-type-definitions -- an interface does not fit NamedAttrMap

/**
 * `softmax(scale x)` of each row over the columns it may see; 0 in the columns it may not.
 *
 * @returns a tensor of the shape of `x`, `[B, T, S]`; the caller's scope owns it
 * @throws ContractError if `x` has fewer than two dims or more rows than columns, or is not float32.
 */
export function causalSoftmax(x: Tensor, options: { readonly scale: number }): Tensor {
  requireDtype("causalSoftmax: x", x, "float32");
  const [rows, columns] = x.shape.slice(-2);
  if (rows === undefined || columns === undefined || rows > columns) {
    throw new ContractError(
      `causalSoftmax: x (shape [${x.shape.join(", ")}]) must have shape [..., T, S] with S >= T; use one row per query and one column per key.`,
    );
  }
  const attrs: CausalSoftmaxAttrs = { scale: options.scale };
  return engine().runKernel<Tensor>(CAUSAL_SOFTMAX, { x }, attrs);
}

/** Runs `CausalSoftmaxGrad` on the saved output. */
export const causalSoftmaxGradConfig: GradConfig = {
  kernelName: CAUSAL_SOFTMAX,
  outputsToSave: [true],
  gradFunc: (dy, saved, attrs) => ({
    x: () => engine().runKernel<Tensor>(CAUSAL_SOFTMAX_GRAD, { dy: dy as Tensor, y: saved[0]! }, attrs),
  }),
};

/** The meaning of `CausalSoftmax`. */
export const causalSoftmaxReference = referenceKernel(CAUSAL_SOFTMAX, forward);

/** The meaning of `CausalSoftmaxGrad`. */
export const causalSoftmaxGradReference = referenceKernel(CAUSAL_SOFTMAX_GRAD, backward);

function forward({
  inputs: { x },
  attrs,
  memory,
}: KernelCall<CausalSoftmaxInputs, CausalSoftmaxAttrs>): TensorInfo {
  return createFloats(memory, x.shape, (out) => {
    const xs = viewFloats(memory, x);
    forEachRow(x.shape, (start, seen, columns) => {
      let max = -Infinity;
      for (let j = start; j < start + seen; j++) max = Math.max(max, attrs.scale * xs[j]!);
      let sum = 0;
      for (let j = start; j < start + seen; j++) {
        const e = Math.exp(attrs.scale * xs[j]! - max);
        out[j] = e;
        sum += e;
      }
      const inverse = 1 / sum;
      for (let j = start; j < start + seen; j++) out[j] = out[j]! * inverse;
      out.fill(0, start + seen, start + columns);
    });
  });
}

function backward({
  inputs: { dy, y },
  attrs,
  memory,
}: KernelCall<CausalSoftmaxGradInputs, CausalSoftmaxAttrs>): TensorInfo {
  return createFloats(memory, y.shape, (out) => {
    const dys = viewFloats(memory, dy);
    const ys = viewFloats(memory, y);
    forEachRow(y.shape, (start, seen, columns) => {
      let sum = 0;
      for (let j = start; j < start + seen; j++) sum += dys[j]! * ys[j]!;
      for (let j = start; j < start + seen; j++) out[j] = attrs.scale * ys[j]! * (dys[j]! - sum);
      out.fill(0, start + seen, start + columns);
    });
  });
}

/** Calls `visit(start, seen, columns)` for each row: where it starts, how many of its columns it sees, how many it has. */
function forEachRow(
  shape: readonly number[],
  visit: (start: number, seen: number, columns: number) => void,
): void {
  const columns = shape.at(-1)!;
  const rows = shape.at(-2)!;
  const total = shape.reduce((product, size) => product * size, 1);
  for (let row = 0, start = 0; start < total; row = (row + 1) % rows, start += columns) {
    visit(start, row + 1 + columns - rows, columns);
  }
}
