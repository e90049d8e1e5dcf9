/**
 * Root-mean-square normalisation over the last dim, as one kernel forward and one backward.
 *
 * Legend: B = any leading dims, D = features; per row, s = 1 / sqrt(mean(x^2) + epsilon), n = x s.
 *
 * ```text
 * forward    y = n gamma
 * backward   g = dy gamma;  dx = s (g - n mean(g n));  dgamma = sum_rows(dy n)
 * ```
 *
 * @see Zhang and Sennrich 2019, "Root mean square layer normalization", https://arxiv.org/abs/1910.07467
 * @packageDocumentation
 */
import { engine, tidy, type GradConfig, type Tensor, type TensorInfo } from "@tensorflow/tfjs";
import { createFloats, referenceKernel, viewFloats, type KernelCall } from "./reference.ts";
import { lastDim, requireShape } from "./shape-check.ts";

/** Outputs: `[y, rstd]` of shapes `[B, D]`, `[B]`. */
export const RMS_NORM = "RMSNorm";
/** Outputs: `[dx, dgamma]` of shapes `[B, D]`, `[D]`. No attributes. */
export const RMS_NORM_GRAD = "RMSNormGrad";

/** `x: [B, D]`, `gamma: [D]`. */
export type RMSNormInputs = Record<"x" | "gamma", TensorInfo>;
/** `dy: [B, D]`, `x: [B, D]`, `gamma: [D]`, `rstd: [B]`. */
export type RMSNormGradInputs = Record<"dy" | "x" | "gamma" | "rstd", TensorInfo>;
/** `epsilon` is added to the mean square. */
export type RMSNormAttrs = { readonly epsilon: number }; // eslint-disable-line @typescript-eslint/consistent-type-definitions -- an interface does not fit NamedAttrMap

/**
 * `y = x / sqrt(mean(x^2) + epsilon) * gamma` over the last dim.
 *
 * @returns `y`, of the shape of `x`; the caller's scope owns it
 * @throws ContractError if `gamma` is not of shape `[D]`, or if an input is not float32.
 */
export function rmsNorm(x: Tensor, options: { readonly gamma: Tensor; readonly epsilon: number }): Tensor {
  const { gamma, epsilon } = options;
  const features = lastDim("rmsNorm: x", x);
  requireShape("rmsNorm: gamma", gamma, { shape: [features], because: "the last dim of x" });
  const attrs: RMSNormAttrs = { epsilon };
  // The tidy frees rstd unless the tape has saved it.
  return tidy(() => engine().runKernel<Tensor[]>(RMS_NORM, { x, gamma }, attrs)[0]!);
}

/** One `RMSNormGrad` call gives both gradients; the statistic has none. */
export const rmsNormGradConfig: GradConfig = {
  kernelName: RMS_NORM,
  inputsToSave: ["x", "gamma"],
  outputsToSave: [false, true],
  gradFunc: (dys, saved) => {
    const dy = (dys as Tensor[])[0]!;
    const [x, gamma, rstd] = saved as [Tensor, Tensor, Tensor];
    const [dx, dgamma] = engine().runKernel<Tensor[]>(RMS_NORM_GRAD, { dy, x, gamma, rstd }) as [
      Tensor,
      Tensor,
    ];
    return { x: () => dx, gamma: () => dgamma };
  },
};

/** The meaning of `RMSNorm`. */
export const rmsNormReference = referenceKernel(RMS_NORM, forward);

/** The meaning of `RMSNormGrad`. */
export const rmsNormGradReference = referenceKernel(RMS_NORM_GRAD, backward);

function forward({ inputs, attrs, memory }: KernelCall<RMSNormInputs, RMSNormAttrs>): TensorInfo[] {
  const { x, gamma } = inputs;
  const features = x.shape.at(-1)!;
  const rstds: number[] = [];
  const y = createFloats(memory, x.shape, (out) => {
    const xs = viewFloats(memory, x);
    const gammas = viewFloats(memory, gamma);
    for (let start = 0; start < out.length; start += features) {
      let squares = 0;
      for (let i = start; i < start + features; i++) squares += xs[i]! * xs[i]!;
      const rstd = 1 / Math.sqrt(squares / features + attrs.epsilon);
      for (let i = 0; i < features; i++) out[start + i] = xs[start + i]! * rstd * gammas[i]!;
      rstds.push(rstd);
    }
  });
  const rstd = createFloats(memory, x.shape.slice(0, -1), (out) => {
    out.set(rstds);
  });
  return [y, rstd];
}

function backward({ inputs, memory }: KernelCall<RMSNormGradInputs, Record<string, never>>): TensorInfo[] {
  const { dy, x, gamma, rstd } = inputs;
  const features = x.shape.at(-1)!;
  const dgamma = new Float64Array(features);
  const dx = createFloats(memory, x.shape, (out) => {
    const dys = viewFloats(memory, dy);
    const xs = viewFloats(memory, x);
    const gammas = viewFloats(memory, gamma);
    const rstds = viewFloats(memory, rstd);
    for (let row = 0, start = 0; start < out.length; row++, start += features) {
      const scale = rstds[row]!;
      let sumGN = 0;
      for (let i = 0; i < features; i++) {
        const dyn = dys[start + i]! * xs[start + i]! * scale;
        dgamma[i] = dgamma[i]! + dyn;
        sumGN += dyn * gammas[i]!;
      }
      const meanGN = sumGN / features;
      for (let i = 0; i < features; i++) {
        out[start + i] = scale * (dys[start + i]! * gammas[i]! - xs[start + i]! * scale * meanGN);
      }
    }
  });
  const dgammaInfo = createFloats(memory, [features], (out) => {
    out.set(dgamma);
  });
  return [dx, dgammaInfo];
}
