/**
 * Dropout whose mask is a function of (key, global index), so that it is the same on every mesh.
 *
 * Legend: i = flat row-major index in the global tensor; w(i) = word i of the key's Philox stream.
 *
 * ```text
 * forward    y_i = x_i / (1 - rate) if w(i) >= rate 2^32, else 0
 * backward   the same kernel with the same attributes on dy: nothing is saved
 * ```
 *
 * @see Srivastava et al. 2014, "Dropout", https://jmlr.org/papers/v15/srivastava14a.html
 * @packageDocumentation
 */
import { engine, type GradConfig, type Tensor, type TensorInfo } from "@tensorflow/tfjs";
import { ContractError } from "../errors.ts";
import type { PhiloxKey } from "../random/philox.ts";
import { forEachWord } from "../random/words.ts";
import { createFloats, referenceKernel, viewFloats, type KernelCall } from "./reference.ts";
import { requireDtype } from "./shape-check.ts";

/** Output: one tensor of the shape of `x`. */
export const DROPOUT = "Dropout";

/** `x`: any shape, the region at `offset` of a tensor of `globalShape`. */
export type DropoutInputs = Record<"x", TensorInfo>;
/** `key` is a `PhiloxKey`; `globalShape` and `offset` have one entry per dim of `x`. */
// eslint-disable-next-line @typescript-eslint/consistent-type-definitions -- an interface does not fit NamedAttrMap
export type DropoutAttrs = {
  readonly rate: number;
  readonly key: [number, number];
  readonly globalShape: number[];
  readonly offset: number[];
};

/**
 * Zeroes a share `rate` of the elements and scales the others by `1 / (1 - rate)`.
 *
 * @returns a tensor of the shape of `x`; the caller's scope owns it
 * @throws ContractError if `rate` is outside `[0, 1)` or `x` is not float32.
 */
export function dropout(x: Tensor, options: { readonly rate: number; readonly key: PhiloxKey }): Tensor {
  const { rate, key } = options;
  requireRate("dropout", rate);
  requireDtype("dropout: x", x, "float32");
  const attrs: DropoutAttrs = {
    rate,
    key: [...key],
    globalShape: [...x.shape],
    offset: x.shape.map(() => 0),
  };
  return engine().runKernel<Tensor>(DROPOUT, { x }, attrs);
}

/**
 * Checks a dropout rate.
 *
 * @throws ContractError if `rate` is outside `[0, 1)`.
 */
export function requireRate(where: string, rate: number): void {
  if (!(rate >= 0 && rate < 1)) {
    throw new ContractError(`${where}: rate (${rate}) must be in [0, 1); use for example rate: 0.1.`);
  }
}

/** The smallest word that keeps its element: `round(rate 2^32)`, at most `2^32 - 1`. */
export function dropoutThreshold(rate: number): number {
  return Math.min(Math.round(rate * 2 ** 32), 2 ** 32 - 1);
}

/** Runs `Dropout` on the gradient with the attributes of the forward call. */
export const dropoutGradConfig: GradConfig = {
  kernelName: DROPOUT,
  gradFunc: (dy, _saved, attrs) => ({
    x: () => engine().runKernel<Tensor>(DROPOUT, { x: dy as Tensor }, attrs),
  }),
};

/** The meaning of `Dropout`. */
export const dropoutReference = referenceKernel(DROPOUT, forward);

function forward({ inputs: { x }, attrs, memory }: KernelCall<DropoutInputs, DropoutAttrs>): TensorInfo {
  const threshold = dropoutThreshold(attrs.rate);
  const scale = 1 / (1 - attrs.rate);
  const region = { globalShape: attrs.globalShape, localShape: x.shape, offset: attrs.offset };
  return createFloats(memory, x.shape, (out) => {
    const xs = viewFloats(memory, x);
    forEachWord(region, attrs.key, (words, lane, start, length) => {
      for (let i = 0; i < length; i++) {
        out[start + i] = words[lane + i]! >= threshold ? xs[start + i]! * scale : 0;
      }
    });
  });
}
