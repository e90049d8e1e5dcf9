/**
 * The embedding table.
 *
 * Legend: B = any dims, V = embeddings (rows), D = features.
 *
 * @packageDocumentation
 */
import type { Tensor } from "@tensorflow/tfjs";
import { embeddingLookup } from "../kernels/embedding-lookup.ts";
import { requireDtype } from "../kernels/shape-check.ts";
import type { Module } from "./module.ts";
import { Parameter, type Initializer } from "./parameter.ts";
import { requireSizes } from "./size-check.ts";

/** Sizes and initial values of an embedding. */
export interface EmbeddingOptions {
  readonly numEmbeddings: number;
  readonly features: number;
  /** Default: normal with standard deviation 1. */
  readonly initializer?: Initializer;
}

/** Makes an embedding. */
export type CreateEmbedding = (options: EmbeddingOptions) => Module;

/**
 * `y = W[index]`: a row of the table per index.
 *
 * @example
 * ```ts
 * const embedding = new Embedding({ numEmbeddings: 11, features: 4 });
 * initialize({ embedding }, { seed: 1 });
 * embedding.apply(tf.tensor2d([[1, 10, 3]], [1, 3], "int32")); // [1, 3, 4]
 * ```
 */
export class Embedding implements Module {
  readonly weight: Parameter;

  /** @throws ContractError if a size is not a positive integer. */
  constructor({ numEmbeddings, features, initializer = { kind: "normal", std: 1 } }: EmbeddingOptions) {
    requireSizes("Embedding", { numEmbeddings, features });
    this.weight = new Parameter({ shape: [numEmbeddings, features], initializer });
  }

  /**
   * @param indices - `[B]` int32, each in `0..V-1`
   * @returns `[B, D]`; the caller's scope owns it
   * @throws ContractError if `indices` is not int32 or an index lies outside the table.
   */
  apply(indices: Tensor): Tensor {
    requireDtype("Embedding: indices", indices, "int32");
    return embeddingLookup(this.weight.variable, indices); // [V, D][[B]] -> [B, D]
  }
}
