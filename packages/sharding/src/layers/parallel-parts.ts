/**
 * The layers of a transformer that is split over one mesh axis, in place of the dense ones.
 *
 * ```
 *                 sequenceParallel: false            sequenceParallel: true
 *
 *   residual x    Replicate                          Shard(1): positions
 *   norm          Replicate                          Shard(1), output all-gathered
 *   column        Shard(-1): heads, hidden features  the same
 *   row           all-reduce                         reduce-scatter
 *   residual x    Replicate                          Shard(1)
 * ```
 *
 * @packageDocumentation
 */
import {
  ContractError,
  Embedding,
  Linear,
  type CreateEmbedding,
  type CreateLinear,
  type CreateNorm,
  type LayerNorm,
  type RMSNorm,
} from "@meshwright/core";
import type { MeshAxes } from "../mesh.ts";
import { ColumnParallelLinear, type ParallelAxis } from "./column-parallel-linear.ts";
import { RowParallelLinear } from "./row-parallel-linear.ts";
import { SequenceParallelNorm } from "./sequence-parallel-norm.ts";
import { VocabParallelEmbedding } from "./vocab-parallel-embedding.ts";

/** How a transformer is split. */
export interface ParallelModelOptions<Axes extends MeshAxes> extends ParallelAxis<Axes> {
  /** Whether the token embedding and the head are split over the vocabulary. Default true. */
  readonly vocabParallel?: boolean;
  /**
   * Whether all that lies between attention and feed-forward modules (residual stream, norms, dropout) is split over
   * positions: the same bytes in twice as many collectives, and less activation memory. Default false.
   */
  readonly sequenceParallel?: boolean;
}

/** Parallel layers that every transformer has. */
export interface ParallelParts {
  readonly tokenEmbedding: CreateEmbedding;
  readonly norm: CreateNorm;
  readonly columnLinear: CreateLinear;
  readonly rowLinear: CreateLinear;
  readonly head: CreateLinear;
}

/**
 * Makes them, with the model's kind of norm.
 *
 * @throws ContractError if `sequenceParallel` is set without `vocabParallel`.
 */
export function parallelParts<Axes extends MeshAxes>(
  where: string,
  { mesh, axis, vocabParallel = true, sequenceParallel = false }: ParallelModelOptions<Axes>,
  Norm: typeof LayerNorm | typeof RMSNorm,
): ParallelParts {
  if (sequenceParallel && !vocabParallel) {
    throw new ContractError(
      `${where}: vocabParallel (false) must be true with sequenceParallel, whose positions the embedding scatters and the head gathers; use vocabParallel: true.`,
    );
  }
  const at = { mesh, axis };
  const norm: CreateNorm = (options) => new Norm(options);
  return {
    tokenEmbedding: (options) =>
      vocabParallel
        ? new VocabParallelEmbedding({ ...options, ...at, sequenceParallel })
        : new Embedding(options),
    norm: sequenceParallel ? (options) => new SequenceParallelNorm(norm(options), at) : norm,
    columnLinear: (options) => new ColumnParallelLinear({ ...options, ...at }),
    rowLinear: (options) => new RowParallelLinear({ ...options, ...at, sequenceParallel }),
    head: (options) =>
      vocabParallel ? new ColumnParallelLinear({ ...options, ...at }) : new Linear(options),
  };
}
