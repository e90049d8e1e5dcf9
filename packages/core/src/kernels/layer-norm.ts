/**
 * Layer normalisation over the last dim, as one kernel forward and one backward.
 *
 * Legend: B = any leading dims, R = product of B (rows), D = features; per row, mu = mean, s = 1 / sqrt(var + epsilon),
 * n = (x - mu) s.
 *
 * ```text
 * forward    y = n gamma + beta
 * backward   g = dy gamma;  dx = s (g - mean(g) - n mean(g n));  dgamma = sum_rows(dy n);  dbeta = sum_rows(dy)
 * ```
 *
 * @see Ba, Kiros, Hinton 2016, "Layer normalization", https://arxiv.org/abs/1607.06450
 * @packageDocumentation
 */
import { engine, tidy, type GradConfig, type Tensor, type TensorInfo } from "@tensorflow/tfjs";
import { createFloats, referenceKernel, viewFloats, type KernelCall } from "./reference.ts";
import { lastDim, requireShape } from "./shape-check.ts";

/** Outputs: `[y, mean, rstd]` of shapes `[B, D]`, `[B]`, `[B]`. */
export const LAYER_NORM = "LayerNorm";
/** Outputs: `[dx, dgamma, dbeta]` of shapes `[B, D]`, `[D]`, `[D]`. No attributes. */
export const LAYER_NORM_GRAD = "LayerNormGrad";

/** `x: [B, D]`, `gamma: [D]`, `beta: [D]`. */
export type LayerNormInputs = Record<"x" | "gamma" | "beta", TensorInfo>;
/** `dy: [B, D]`, `x: [B, D]`, `gamma: [D]`, `mean: [B]`, `rstd: [B]`. */
export type LayerNormGradInputs = Record<"dy" | "x" | "gamma" | "mean" | "rstd", TensorInfo>;
/** `epsilon` is added to the variance. */
export type LayerNormAttrs = { readonly epsilon: number }; // eslint-disable-line @typescript-eslint/consistent-type-definitions -- an interface does not fit NamedAttrMap

/**
 * `y = (x - mean) / sqrt(var + epsilon) * gamma + beta` over the last dim, with the biased variance.
 *
 * @returns `y`, of the shape of `x`; the caller's scope owns it
 * @throws ContractError if `gamma` or `beta` is not of shape `[D]`, or if an input is not float32.
 */
export function layerNorm(
  x: Tensor,
  options: { readonly gamma: Tensor; readonly beta: Tensor; readonly epsilon: number },
): Tensor {
  const { gamma, beta, epsilon } = options;
  const features = lastDim("layerNorm: x", x);
  requireShape("layerNorm: gamma", gamma, { shape: [features], because: "the last dim of x" });
  requireShape("layerNorm: beta", beta, { shape: [features], because: "the last dim of x" });
  const attrs: LayerNormAttrs = { epsilon };
  // The tidy frees mean and rstd unless the tape has saved them.
  return tidy(() => engine().runKernel<Tensor[]>(LAYER_NORM, { x, gamma, beta }, attrs)[0]!);
}

/** One `LayerNormGrad` call gives all three gradients; the statistics have none. */
export const layerNormGradConfig: GradConfig = {
  kernelName: LAYER_NORM,
  inputsToSave: ["x", "gamma"],
  outputsToSave: [false, true, true],
  gradFunc: (dys, saved) => {
    const dy = (dys as Tensor[])[0]!;
    const [x, gamma, mean, rstd] = saved as [Tensor, Tensor, Tensor, Tensor];
    const inputs = { dy, x, gamma, mean, rstd };
    const [dx, dgamma, dbeta] = engine().runKernel<Tensor[]>(LAYER_NORM_GRAD, inputs) as [
      Tensor,
      Tensor,
      Tensor,
    ];
    return { x: () => dx, gamma: () => dgamma, beta: () => dbeta };
  },
};

/** The meaning of `LayerNorm`. */
export const layerNormReference = referenceKernel(LAYER_NORM, forward);

/** The meaning of `LayerNormGrad`. */
export const layerNormGradReference = referenceKernel(LAYER_NORM_GRAD, backward);

function forward({ inputs, attrs, memory }: KernelCall<LayerNormInputs, LayerNormAttrs>): TensorInfo[] {
  const { x, gamma, beta } = inputs;
  const features = x.shape.at(-1)!;
  const rowShape = x.shape.slice(0, -1);
  const means: number[] = [];
  const rstds: number[] = [];
  const y = createFloats(memory, x.shape, (out) => {
    const xs = viewFloats(memory, x);
    const gammas = viewFloats(memory, gamma);
    const betas = viewFloats(memory, beta);
    for (let start = 0; start < out.length; start += features) {
      let sum = 0;
      for (let i = start; i < start + features; i++) sum += xs[i]!;
      const mean = sum / features;
      let squares = 0;
      for (let i = start; i < start + features; i++) {
        const centred = xs[i]! - mean;
        squares += centred * centred;
      }
      const rstd = 1 / Math.sqrt(squares / features + attrs.epsilon);
      for (let i = 0; i < features; i++)
        out[start + i] = (xs[start + i]! - mean) * rstd * gammas[i]! + betas[i]!;
      means.push(mean);
      rstds.push(rstd);
    }
  });
  return [
    y,
    createFloats(memory, rowShape, (out) => {
      out.set(means);
    }),
    createFloats(memory, rowShape, (out) => {
      out.set(rstds);
    }),
  ];
}

function backward({ inputs, memory }: KernelCall<LayerNormGradInputs, Record<string, never>>): TensorInfo[] {
  const { dy, x, gamma, mean, rstd } = inputs;
  const features = x.shape.at(-1)!;
  const dgamma = new Float64Array(features);
  const dbeta = new Float64Array(features);
  const dx = createFloats(memory, x.shape, (out) => {
    const dys = viewFloats(memory, dy);
    const xs = viewFloats(memory, x);
    const gammas = viewFloats(memory, gamma);
    const means = viewFloats(memory, mean);
    const rstds = viewFloats(memory, rstd);
    for (let row = 0, start = 0; start < out.length; row++, start += features) {
      const mu = means[row]!;
      const scale = rstds[row]!;
      let sumG = 0;
      let sumGN = 0;
      for (let i = 0; i < features; i++) {
        const d = dys[start + i]!;
        const n = (xs[start + i]! - mu) * scale;
        const g = d * gammas[i]!;
        dgamma[i] = dgamma[i]! + d * n;
        dbeta[i] = dbeta[i]! + d;
        sumG += g;
        sumGN += g * n;
      }
      const meanG = sumG / features;
      const meanGN = sumGN / features;
      for (let i = 0; i < features; i++) {
        const n = (xs[start + i]! - mu) * scale;
        out[start + i] = scale * (dys[start + i]! * gammas[i]! - meanG - n * meanGN);
      }
    }
  });
  return [
    dx,
    createFloats(memory, [features], (out) => {
      out.set(dgamma);
    }),
    createFloats(memory, [features], (out) => {
      out.set(dbeta);
    }),
  ];
}
