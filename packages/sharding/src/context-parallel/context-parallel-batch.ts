/**
 * Lays a batch of sequences out for context parallelism.
 *
 * @packageDocumentation
 */
import { gather, tensor1d, tidy, type Tensor } from "@tensorflow/tfjs";
import type { AxisName, MeshAxes } from "../mesh.ts";
import { Shard } from "../placement.ts";
import type { PlacementSpec } from "../placement-spec.ts";
import { shard } from "../sharded-tensor.ts";
import { chunkLength, contextParallelOrder } from "./chunk-order.ts";
import type { ContextParallelOptions } from "./ring-attention.ts";

/** What a model with context parallelism takes. */
export interface ContextParallelBatch {
  /** `[B, T]`, permuted; `Shard(1)` on the context axis. */
  readonly tokens: Tensor;
  /** `[B, T]`, permuted in the same way. */
  readonly labels: Tensor;
  /** `[T]` int32: the position of each token before it was permuted; `Shard(0)` on the context axis. */
  readonly positions: Tensor;
}

/**
 * Permutes tokens and labels as the context axis needs them, says where each stood, and splits all three. No
 * communication. The loss does not depend on the order, and causality is by the original positions.
 *
 * @param batch - tokens and labels `[B, T]`, whole on every rank
 * @param options - `batchAxis`: an axis that splits the sequences
 * @returns new tensors; the caller's scope owns them
 * @example
 * ```ts
 * const { tokens, labels, positions } = contextParallelBatch(batch, { mesh, axis: "cp", batchAxis: "dp" });
 * const loss = crossEntropy(model.apply(tokens, positions), labels);
 * ```
 * @throws ContractError if T is no multiple of twice the ranks on the axis.
 */
export function contextParallelBatch<Axes extends MeshAxes>(
  batch: { readonly tokens: Tensor; readonly labels: Tensor },
  options: ContextParallelOptions<Axes> & { readonly batchAxis?: AxisName<Axes> },
): ContextParallelBatch {
  const { mesh, axis, order = "zigzag", batchAxis } = options;
  const length = batch.tokens.shape[1] ?? 0;
  const numRanks = mesh.sizeOf(axis);
  // One rank holds everything, in its order.
  if (numRanks > 1) chunkLength("contextParallelBatch", length, numRanks);
  const positions =
    numRanks > 1
      ? contextParallelOrder(length, numRanks, { order })
      : Int32Array.from({ length }, (_, position) => position);
  const perSequence = {
    [axis]: Shard(1),
    ...(batchAxis !== undefined && { [batchAxis]: Shard(0) }),
  } as PlacementSpec<Axes>;
  const results = tidy(() => {
    const at = tensor1d(positions, "int32");
    const [tokens, labels] = [batch.tokens, batch.labels].map((t) =>
      shard(gather(t, at, 1), mesh, perSequence),
    );
    return [tokens!, labels!, shard(at, mesh, { [axis]: Shard(0) } as PlacementSpec<Axes>)] as const;
  });
  const [tokens, labels, places] = results as readonly [Tensor, Tensor, Tensor];
  return { tokens, labels, positions: places };
}
