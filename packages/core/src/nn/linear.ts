/**
 * The linear layer.
 *
 * Legend: B = any leading dims, I = input features, O = output features.
 *
 * @packageDocumentation
 */
import { add, tidy, type Tensor } from "@tensorflow/tfjs";
import { linear } from "../kernels/linear.ts";
import type { Module } from "./module.ts";
import { Parameter, type Initializer } from "./parameter.ts";
import { requireFeatures, requireSizes } from "./size-check.ts";

/** Sizes and initial values of a linear layer. */
export interface LinearOptions {
  readonly inFeatures: number;
  readonly outFeatures: number;
  /** Default true. */
  readonly bias?: boolean;
  /** Of the weight. Default: uniform with bound `1 / sqrt(inFeatures)`. The bias starts at zero. */
  readonly initializer?: Initializer;
}

/** Makes a linear layer; what a module takes to have its layers replaced by parallel ones. */
export type CreateLinear = (options: LinearOptions) => Module;

/**
 * `y = x W + b`. `W` is stored `[I, O]`, so columns are output features.
 *
 * @example
 * ```ts
 * const up = new Linear({ inFeatures: 4, outFeatures: 3 });
 * initialize({ up }, { seed: 1 });
 * up.apply(tf.ones([2, 5, 4])); // [2, 5, 3]
 * ```
 */
export class Linear implements Module {
  readonly weight: Parameter;
  readonly bias: Parameter | undefined;

  /** @throws ContractError if a size is not a positive integer. */
  constructor(options: LinearOptions) {
    const { inFeatures, outFeatures, bias = true } = options;
    requireSizes("Linear", { inFeatures, outFeatures });
    const initializer = options.initializer ?? { kind: "uniform", bound: 1 / Math.sqrt(inFeatures) };
    this.weight = new Parameter({ shape: [inFeatures, outFeatures], initializer });
    this.bias = bias ? new Parameter({ shape: [outFeatures], initializer: { kind: "zeros" } }) : undefined;
  }

  /**
   * @param x - `[B, I]`
   * @returns `[B, O]`; the caller's scope owns it
   * @throws ContractError if the last dim of `x` is not `I`.
   */
  apply(x: Tensor): Tensor {
    requireFeatures("Linear", x, this.weight.shape[0]!);
    const { weight, bias } = this;
    if (bias === undefined) return linear(x, weight.variable); // [B, I] x [I, O] -> [B, O]
    return tidy(() => add(linear(x, weight.variable), bias.variable));
  }
}
