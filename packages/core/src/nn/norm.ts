/**
 * Normalisation layers over the last dim.
 *
 * Legend: B = any leading dims, D = features.
 *
 * @packageDocumentation
 */
import type { Tensor } from "@tensorflow/tfjs";
import { layerNorm } from "../kernels/layer-norm.ts";
import { rmsNorm } from "../kernels/rms-norm.ts";
import type { Module } from "./module.ts";
import { Parameter } from "./parameter.ts";
import { requireFeatures, requireSizes } from "./size-check.ts";

/** Size of a norm. */
export interface NormOptions {
  readonly features: number;
  /** Added to the variance or mean square. Default 1e-5. */
  readonly epsilon?: number;
}

/** Makes a norm. */
export type CreateNorm = (options: NormOptions) => Module;

/**
 * `y = (x - mean) / sqrt(var + epsilon) * gamma + beta`; `weight` is gamma, `bias` is beta, as PyTorch names them.
 *
 * @see Ba, Kiros, Hinton 2016, "Layer normalization", https://arxiv.org/abs/1607.06450
 */
export class LayerNorm implements Module {
  readonly weight: Parameter;
  readonly bias: Parameter;
  readonly epsilon: number;

  /** @throws ContractError if `features` is not a positive integer. */
  constructor({ features, epsilon = 1e-5 }: NormOptions) {
    requireSizes("LayerNorm", { features });
    this.weight = new Parameter({ shape: [features], initializer: { kind: "ones" } });
    this.bias = new Parameter({ shape: [features], initializer: { kind: "zeros" } });
    this.epsilon = epsilon;
  }

  /**
   * @param x - `[B, D]`
   * @returns `[B, D]`; the caller's scope owns it
   * @throws ContractError if the last dim of `x` is not `D`.
   */
  apply(x: Tensor): Tensor {
    requireFeatures("LayerNorm", x, this.weight.shape[0]!);
    return layerNorm(x, { gamma: this.weight.variable, beta: this.bias.variable, epsilon: this.epsilon });
  }
}

/**
 * `y = x / sqrt(mean(x^2) + epsilon) * gamma`; `weight` is gamma.
 *
 * @see Zhang and Sennrich 2019, "Root mean square layer normalization", https://arxiv.org/abs/1910.07467
 */
export class RMSNorm implements Module {
  readonly weight: Parameter;
  readonly epsilon: number;

  /** @throws ContractError if `features` is not a positive integer. */
  constructor({ features, epsilon = 1e-5 }: NormOptions) {
    requireSizes("RMSNorm", { features });
    this.weight = new Parameter({ shape: [features], initializer: { kind: "ones" } });
    this.epsilon = epsilon;
  }

  /**
   * @param x - `[B, D]`
   * @returns `[B, D]`; the caller's scope owns it
   * @throws ContractError if the last dim of `x` is not `D`.
   */
  apply(x: Tensor): Tensor {
    requireFeatures("RMSNorm", x, this.weight.shape[0]!);
    return rmsNorm(x, { gamma: this.weight.variable, epsilon: this.epsilon });
  }
}
