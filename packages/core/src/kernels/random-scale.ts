/**
 * Multiplication by random numbers that are a function of (seed, name, global index), so that they are the same on every
 * mesh, and each rank draws only those of the elements that it holds.
 *
 * Legend: i = flat row-major index in the global tensor; r_i = its number in the stream of (seed, name).
 *
 * ```text
 * uniform    y_i = x_i (center + spread u_i)    u_i in [-1, 1), as fillUniform draws them
 * normal     y_i = x_i (center + spread n_i)    n_i standard normal, as fillNormal draws them
 * backward   the same kernel with the same attributes on dy: nothing is saved
 * ```
 *
 * @packageDocumentation
 */
import { engine, type GradConfig, type Tensor, type TensorInfo } from "@tensorflow/tfjs";
import { ContractError } from "../errors.ts";
import { fillNormal, fillUniform } from "../random/fill.ts";
import { philoxKey, type StreamId } from "../random/key.ts";
import { createFloats, referenceKernel, viewFloats, type KernelCall } from "./reference.ts";
import { requireDtype } from "./shape-check.ts";

/** Output: one tensor of the shape of `x`. */
export const RANDOM_SCALE = "RandomScale";

/** `x`: any shape, the region at `offset` of a tensor of `globalShape`. */
export type RandomScaleInputs = Record<"x", TensorInfo>;
/** `seed` and `name` are a `StreamId`; `globalShape` and `offset` have one entry per dim of `x`. */
// eslint-disable-next-line @typescript-eslint/consistent-type-definitions -- an interface does not fit NamedAttrMap
export type RandomScaleAttrs = {
  readonly distribution: "uniform" | "normal";
  readonly center: number;
  readonly spread: number;
  readonly seed: number;
  readonly name: string;
  readonly globalShape: number[];
  readonly offset: number[];
};

/** What `x` is multiplied by. */
export interface RandomScaleOptions extends StreamId {
  readonly distribution: "uniform" | "normal";
  /** The numbers' mean. Default 0. */
  readonly center?: number;
  /** Of uniform numbers half the width of their range, of normal ones the standard deviation. */
  readonly spread: number;
}

/**
 * `x` times random numbers. Differentiable by `x`; the numbers are constants.
 *
 * @returns a tensor of the shape of `x`; the caller's scope owns it
 * @throws ContractError if `x` is not float32, the seed is not an integer in `[0, 2^53)`, or a setting is not finite.
 * @example
 * ```ts
 * randomScale(x, { distribution: "uniform", center: 1, spread: 0.01, seed: 1, name: "jitter" }); // x (0.99..1.01)
 * ```
 */
export function randomScale(x: Tensor, options: RandomScaleOptions): Tensor {
  const { distribution, center = 0, spread, seed, name } = options;
  requireDtype("randomScale: x", x, "float32");
  philoxKey({ seed, name });
  if (!Number.isFinite(center) || !Number.isFinite(spread)) {
    throw new ContractError(
      `randomScale: center (${center}) and spread (${spread}) must be finite; use for example center: 1, spread: 0.01.`,
    );
  }
  const offset = x.shape.map(() => 0);
  const attrs: RandomScaleAttrs = {
    ...{ distribution, center, spread, seed, name },
    ...{ globalShape: [...x.shape], offset },
  };
  return engine().runKernel<Tensor>(RANDOM_SCALE, { x }, attrs);
}

/** Runs `RandomScale` on the gradient with the attributes of the forward call. */
export const randomScaleGradConfig: GradConfig = {
  kernelName: RANDOM_SCALE,
  gradFunc: (dy, _saved, attrs) => ({
    x: () => engine().runKernel<Tensor>(RANDOM_SCALE, { x: dy as Tensor }, attrs),
  }),
};

/** The meaning of `RandomScale`, and its implementation on every engine: drawing takes more time than the product. */
export const randomScaleReference = referenceKernel(RANDOM_SCALE, forward);

function forward({
  inputs: { x },
  attrs,
  memory,
}: KernelCall<RandomScaleInputs, RandomScaleAttrs>): TensorInfo {
  const { distribution, center, spread, seed, name, globalShape, offset } = attrs;
  const region = { seed, name, globalShape, localShape: x.shape, offset };
  return createFloats(memory, x.shape, (out) => {
    if (distribution === "uniform") fillUniform(out, { ...region, bound: spread });
    else fillNormal(out, { ...region, std: spread });
    const xs = viewFloats(memory, x);
    for (let i = 0; i < out.length; i++) out[i] = Math.fround(center + out[i]!) * xs[i]!;
  });
}
