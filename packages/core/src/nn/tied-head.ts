/**
 * A head that shares the token embedding's table.
 *
 * Legend: B = any leading dims, V = vocabulary, D = features.
 *
 * @packageDocumentation
 */
import type { Tensor } from "@tensorflow/tfjs";
import { ContractError } from "../errors.ts";
import { linear } from "../kernels/linear.ts";
import { namedParameters, type Module } from "./module.ts";
import type { Parameter } from "./parameter.ts";
import { requireFeatures } from "./size-check.ts";

/** Makes a head that shares the table of an embedding. */
export type CreateTiedHead = (embedding: Module) => Module;

/**
 * `logits = x E^T` with the embedding's own `E: [V, D]`, whose gradient is the sum of both uses.
 *
 * @see Press and Wolf 2017, "Using the output embedding to improve language models", https://arxiv.org/abs/1608.05859
 */
export class TiedHead implements Module {
  readonly weight: Parameter;

  /** @throws ContractError if the embedding has no `weight` of two dims. */
  constructor(embedding: Module) {
    const weight = namedParameters(embedding).get("weight");
    if (weight?.shape.length !== 2) {
      throw new ContractError(
        `TiedHead: embedding (parameters: ${[...namedParameters(embedding).keys()].join(", ") || "none"}) must have a field weight of shape [V, D]; use an embedding that keeps its table there, or tiedEmbeddings: false.`,
      );
    }
    this.weight = weight;
  }

  /**
   * @param x - `[B, D]`
   * @returns `[B, V]`; the caller's scope owns it
   * @throws ContractError if the last dim of `x` is not `D`.
   */
  apply(x: Tensor): Tensor {
    requireFeatures("TiedHead", x, this.weight.shape[1]!);
    return linear(x, this.weight.variable, { transposeW: true }); // [B, D] x [D, V] -> [B, V]
  }
}
