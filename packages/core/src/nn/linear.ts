/**
 * The linear layer.
 *
 * Legend: B = any leading dims, I = input features, O = output features.
 *
 * @packageDocumentation
 */
import { add, matMul, reshape, tidy, type Tensor, type Tensor2D } from "@tensorflow/tfjs";
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
    const [inFeatures, outFeatures] = this.weight.shape as [number, number];
    requireFeatures("Linear", x, inFeatures);
    return tidy(() => {
      // tfjs differentiates a product with broadcast batch dims wrongly, so leading dims are folded into rows.
      const rows = x.rank === 2 ? (x as Tensor2D) : reshape(x, [-1, inFeatures]); // [B, I] -> [R, I]
      const product = matMul(rows, this.weight.variable); // [R, I] x [I, O] -> [R, O]
      const y = this.bias === undefined ? product : add(product, this.bias.variable);
      return x.rank === 2 ? y : reshape(y, [...x.shape.slice(0, -1), outFeatures]); // [R, O] -> [B, O]
    });
  }
}
