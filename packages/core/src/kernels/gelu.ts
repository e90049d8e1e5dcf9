/**
 * The Gaussian error linear unit, exact and in its tanh approximation, as one kernel forward and one backward.
 *
 * ```text
 * "none"   y = x Phi(x)                           dy/dx = Phi(x) + x phi(x)
 * "tanh"   y = x q,  q = (1 + tanh(u)) / 2        dy/dx = q + 2 x q (1 - q) u'
 *          u = sqrt(2 / pi) (x + 0.044715 x^3)
 * ```
 *
 * @see Hendrycks and Gimpel 2016, "Gaussian error linear units", https://arxiv.org/abs/1606.08415
 * @packageDocumentation
 */
import { engine, type GradConfig, type Tensor, type TensorInfo } from "@tensorflow/tfjs";
import { erfc } from "./erf.ts";
import { createFloats, referenceKernel, viewFloats, type KernelCall } from "./reference.ts";
import { requireDtype } from "./shape-check.ts";

/** Output: one tensor of the shape of `x`. */
export const GELU = "Gelu";
/** Output: one tensor, the gradient of `x`. Same attributes as `Gelu`. */
export const GELU_GRAD = "GeluGrad";

/** `x`: any shape. */
export type GeluInputs = Record<"x", TensorInfo>;
/** `dy` and `x`: the same shape. */
export type GeluGradInputs = Record<"dy" | "x", TensorInfo>;
/** As PyTorch names it: `"tanh"` is GPT-2's form, `"none"` the exact one. */
export type GeluApproximation = "tanh" | "none";
/** Which form. */
export type GeluAttrs = { readonly approximate: GeluApproximation }; // eslint-disable-line @typescript-eslint/consistent-type-definitions -- an interface does not fit NamedAttrMap

/**
 * `x Phi(x)`, element by element.
 *
 * @returns a tensor of the shape of `x`; the caller's scope owns it
 * @throws ContractError if `x` is not float32.
 */
export function gelu(x: Tensor, options: { readonly approximate: GeluApproximation }): Tensor {
  requireDtype("gelu: x", x, "float32");
  const attrs: GeluAttrs = { approximate: options.approximate };
  return engine().runKernel<Tensor>(GELU, { x }, attrs);
}

/** Runs `GeluGrad`. */
export const geluGradConfig: GradConfig = {
  kernelName: GELU,
  inputsToSave: ["x"],
  gradFunc: (dy, saved, attrs) => ({
    x: () => engine().runKernel<Tensor>(GELU_GRAD, { dy: dy as Tensor, x: saved[0]! }, attrs),
  }),
};

/** The meaning of `Gelu`. */
export const geluReference = referenceKernel<GeluInputs, GeluAttrs>(
  GELU,
  ({ inputs: { x }, attrs, memory }) =>
    createFloats(memory, x.shape, (out) => {
      const xs = viewFloats(memory, x);
      const share = attrs.approximate === "tanh" ? tanhShare : exactShare;
      for (let i = 0; i < out.length; i++) out[i] = xs[i]! * share(xs[i]!);
    }),
);

/** The meaning of `GeluGrad`. */
export const geluGradReference = referenceKernel(GELU_GRAD, backward);

function backward({ inputs, attrs, memory }: KernelCall<GeluGradInputs, GeluAttrs>): TensorInfo {
  return createFloats(memory, inputs.x.shape, (out) => {
    const dys = viewFloats(memory, inputs.dy);
    const xs = viewFloats(memory, inputs.x);
    const slope = attrs.approximate === "tanh" ? tanhSlope : exactSlope;
    for (let i = 0; i < out.length; i++) out[i] = dys[i]! * slope(xs[i]!);
  });
}

const CUBIC = 0.044715;
const TWICE_SQRT_2_OVER_PI = 2 * Math.sqrt(2 / Math.PI);

/** `(1 + tanh(u)) / 2 = 1 / (1 + exp(-2u))`: one exponential, and exact far out where tanh rounds to -1. */
function tanhShare(x: number): number {
  return 1 / (1 + Math.exp(-TWICE_SQRT_2_OVER_PI * (x + CUBIC * x * x * x)));
}

function tanhSlope(x: number): number {
  const share = tanhShare(x);
  return share + x * share * (1 - share) * TWICE_SQRT_2_OVER_PI * (1 + 3 * CUBIC * x * x);
}

/** The normal distribution function. */
function exactShare(x: number): number {
  return 0.5 * erfc(-x * Math.SQRT1_2);
}

function exactSlope(x: number): number {
  return exactShare(x) + (x * Math.exp(-0.5 * x * x)) / Math.sqrt(2 * Math.PI);
}
