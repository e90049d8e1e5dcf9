/**
 * One AdamW step of one parameter, as one kernel.
 *
 * Legend: p = parameter, g = gradient, m and v = first and second moment, eta = learningRate, lambda = weightDecay,
 * t = step, counted from 1.
 *
 * ```text
 * m' = m + (1 - beta1) (g - m)        v' = beta2 v + (1 - beta2) g^2
 * p' = p (1 - eta lambda) - eta / (1 - beta1^t) m' / (sqrt(v' / (1 - beta2^t)) + epsilon)
 * ```
 *
 * @see Loshchilov and Hutter 2019, "Decoupled weight decay regularization", https://arxiv.org/abs/1711.05101
 * @packageDocumentation
 */
import { engine, type Tensor, type TensorInfo } from "@tensorflow/tfjs";
import { createFloats, referenceKernel, viewFloats, type KernelCall } from "./reference.ts";
import { requireShape } from "./shape-check.ts";

/** Outputs: `[parameter, m, v]` after the step, each of the parameter's shape. Not differentiable. */
export const ADAMW_UPDATE = "AdamWUpdate";

/** Four tensors of the same shape. */
export type AdamWUpdateInputs = Record<"parameter" | "gradient" | "m" | "v", TensorInfo>;
/** As in `torch.optim.AdamW`; `step` counts from 1. */
// eslint-disable-next-line @typescript-eslint/consistent-type-definitions -- an interface does not fit NamedAttrMap
export type AdamWUpdateAttrs = {
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
  readonly step: number;
};

/**
 * The parameter and its moments after one step.
 *
 * @returns `[parameter, m, v]`, new tensors that the caller's scope owns
 * @throws ContractError if the shapes differ or an input is not float32.
 */
export function adamWUpdate(
  inputs: Readonly<Record<"parameter" | "gradient" | "m" | "v", Tensor>>,
  attrs: AdamWUpdateAttrs,
): [Tensor, Tensor, Tensor] {
  const { parameter, gradient, m, v } = inputs;
  const expected = { shape: parameter.shape, because: "the parameter's" };
  requireShape("adamWUpdate: gradient", gradient, expected);
  requireShape("adamWUpdate: m", m, expected);
  requireShape("adamWUpdate: v", v, expected);
  return engine().runKernel<Tensor[]>(ADAMW_UPDATE, { parameter, gradient, m, v }, attrs) as [
    Tensor,
    Tensor,
    Tensor,
  ];
}

/** The meaning of `AdamWUpdate`. The parameter moves by the moments as they were stored, in float32. */
export const adamWUpdateReference = referenceKernel(ADAMW_UPDATE, update);

function update({ inputs, attrs, memory }: KernelCall<AdamWUpdateInputs, AdamWUpdateAttrs>): TensorInfo[] {
  const { parameter, gradient, m, v } = inputs;
  const { beta1, beta2, epsilon, learningRate, weightDecay, step } = attrs;
  const newM = createFloats(memory, parameter.shape, (out) => {
    const gs = viewFloats(memory, gradient);
    const ms = viewFloats(memory, m);
    for (let i = 0; i < out.length; i++) out[i] = ms[i]! + (1 - beta1) * (gs[i]! - ms[i]!);
  });
  const newV = createFloats(memory, parameter.shape, (out) => {
    const gs = viewFloats(memory, gradient);
    const vs = viewFloats(memory, v);
    for (let i = 0; i < out.length; i++) out[i] = beta2 * vs[i]! + (1 - beta2) * gs[i]! * gs[i]!;
  });
  const keep = 1 - learningRate * weightDecay;
  const stepSize = learningRate / (1 - beta1 ** step);
  const unbias = 1 / Math.sqrt(1 - beta2 ** step);
  const newParameter = createFloats(memory, parameter.shape, (out) => {
    const ps = viewFloats(memory, parameter);
    const ms = viewFloats(memory, newM);
    const vs = viewFloats(memory, newV);
    for (let i = 0; i < out.length; i++) {
      out[i] = ps[i]! * keep - (stepSize * ms[i]!) / (Math.sqrt(vs[i]!) * unbias + epsilon);
    }
  });
  return [newParameter, newM, newV];
}
