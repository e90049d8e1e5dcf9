/**
 * The feed-forward modules of a transformer block.
 *
 * Legend: B = any leading dims, D = features, F = hidden features.
 *
 * @packageDocumentation
 */
import { mul, sigmoid, tidy, type Tensor } from "@tensorflow/tfjs";
import { gelu, type GeluApproximation } from "../kernels/gelu.ts";
import { Linear, type CreateLinear } from "./linear.ts";
import type { Module } from "./module.ts";
import type { Initializer } from "./parameter.ts";
import { requireSizes } from "./size-check.ts";

/** Sizes, initial values and replaceable layers of a feed-forward module. */
export interface MLPOptions {
  readonly features: number;
  readonly hiddenFeatures: number;
  /** Of all projections. Default true for `GeluMLP`, false for `SwiGLUMLP`. */
  readonly bias?: boolean;
  /** Of the weights into the hidden features. Default: that of `Linear`. */
  readonly initializer?: Initializer;
  /** Of the weight out of them. Default: `initializer`. */
  readonly downInitializer?: Initializer;
  /** Makes the projections into the hidden features. Default: `Linear`. */
  readonly columnLinear?: CreateLinear;
  /** Makes the projection out of them. Default: `Linear`. */
  readonly rowLinear?: CreateLinear;
  /** Number of the block that the module is for, from 0, so that a maker may choose by it. */
  readonly block?: number;
}

/** Makes a feed-forward module. */
export type CreateMLP = (options: MLPOptions) => Module;

/** `y = gelu(x U + b) D + c`. */
export class GeluMLP implements Module {
  readonly up: Module;
  readonly down: Module;
  readonly approximate: GeluApproximation;

  /**
   * @param options - `approximate`: the form of GELU, default `"tanh"` (GPT-2)
   * @throws ContractError if a size is not a positive integer.
   */
  constructor(options: MLPOptions & { readonly approximate?: GeluApproximation }) {
    const { up, down } = projections("GeluMLP", options, true);
    this.up = up();
    this.down = down();
    this.approximate = options.approximate ?? "tanh";
  }

  /**
   * @param x - `[B, D]`
   * @returns `[B, D]`; the caller's scope owns it
   */
  apply(x: Tensor): Tensor {
    const { approximate } = this;
    return tidy(() => this.down.apply(gelu(this.up.apply(x), { approximate }))); // [B, D] -> [B, F] -> [B, D]
  }
}

/**
 * `y = (silu(x G) * x U) D` with `silu(z) = z sigmoid(z)`.
 *
 * @see Shazeer 2020, "GLU variants improve transformer", https://arxiv.org/abs/2002.05202
 */
export class SwiGLUMLP implements Module {
  readonly gate: Module;
  readonly up: Module;
  readonly down: Module;

  /** @throws ContractError if a size is not a positive integer. */
  constructor(options: MLPOptions) {
    const { up, down } = projections("SwiGLUMLP", options, false);
    this.gate = up();
    this.up = up();
    this.down = down();
  }

  /**
   * @param x - `[B, D]`
   * @returns `[B, D]`; the caller's scope owns it
   */
  apply(x: Tensor): Tensor {
    return tidy(() => {
      const gate = this.gate.apply(x); // [B, D] -> [B, F]
      const hidden = mul(mul(gate, sigmoid(gate)), this.up.apply(x));
      return this.down.apply(hidden); // [B, F] -> [B, D]
    });
  }
}

function projections(
  where: string,
  options: MLPOptions,
  defaultBias: boolean,
): { readonly up: () => Module; readonly down: () => Module } {
  const { features, hiddenFeatures, bias = defaultBias, initializer } = options;
  const { downInitializer = initializer } = options;
  const { columnLinear = (o) => new Linear(o), rowLinear = (o) => new Linear(o) } = options;
  requireSizes(where, { features, hiddenFeatures });
  const into = { inFeatures: features, outFeatures: hiddenFeatures, bias };
  const outOf = { inFeatures: hiddenFeatures, outFeatures: features, bias };
  return {
    up: () => columnLinear({ ...into, ...(initializer && { initializer }) }),
    down: () => rowLinear({ ...outOf, ...(downInitializer && { initializer: downInitializer }) }),
  };
}
