/**
 * Causal attention over a sequence that is split over the ranks of an axis.
 *
 * @packageDocumentation
 */
import { ContractError, groupedCausalAttention, type Attend } from "@meshwright/core";
import type { Tensor } from "@tensorflow/tfjs";
import { localMap } from "../local-map/local-map.ts";
import { axisIndex, type AxisName, type DeviceMesh, type MeshAxes } from "../mesh.ts";
import { Replicate, Shard, type Placement } from "../placement.ts";
import type { PlacementSpec } from "../placement-spec.ts";
import { placementsOf } from "../sharded-tensor.ts";
import { chunkLength, type ContextOrder } from "./chunk-order.ts";
import { registerRingAttention, runRingAttention } from "./ring-attention-kernels.ts";

/** Which axis splits the sequence, and how. */
export interface ContextParallelOptions<Axes extends MeshAxes = MeshAxes> {
  readonly mesh: DeviceMesh<Axes>;
  /** The axis that splits the sequence. */
  readonly axis: AxisName<Axes>;
  /** Which chunks each rank holds. Default `"zigzag"`: tokens come in the order of `contextParallelOrder`. */
  readonly order?: ContextOrder;
}

/**
 * `softmax(q k^T / sqrt(Dh), causal) v` per head, with the sequence split over `axis`. Ranks compute on their own
 * queries, while keys and values go around the ring; scores of one chunk with another are all that exists at a time.
 * Blocks that causality hides are not computed.
 *
 * Legend: p = ranks on `axis`, T = positions, H = query heads, K = key and value heads (dividing H), S = bytes of `k`
 * and `v` on one rank.
 *
 * | tensor   | global shape      | on each rank        | placement on `axis` |
 * | -------- | ----------------- | ------------------- | ------------------- |
 * | `q`, `y` | `[B, H, T, Dh]`   | `[B, H, T/p, Dh]`   | `Shard(2)`          |
 * | `k`, `v` | `[B, K, T, Dh]`   | `[B, K, T/p, Dh]`   | `Shard(2)`          |
 *
 * Along other axes sequences (`Shard(0)`) and heads (`Shard(1)`) stay split if they are.
 *
 * Communication: forward p - 1 messages of S to the next rank; backward twice that, for keys and values and for their
 * gradients. Work: 2p + 1 blocks of `T/(2p)` by `T/(2p)` on every rank in zigzag order.
 *
 * @returns `[B, H, T, Dh]`; the caller's scope owns it
 * @example
 * ```ts
 * const y = ringAttention(q, { k, v }, { mesh, axis: "cp" }); // placementsOf(y).cp is Shard(2)
 * ```
 * @throws ContractError if T is no multiple of 2p, shapes do not fit, or `axis` is no axis of the mesh.
 * @see Liu et al. 2023, "Ring attention with blockwise transformers for near-infinite context",
 * https://arxiv.org/abs/2310.01889, and Dao et al. 2022, "FlashAttention", https://arxiv.org/abs/2205.14135
 */
export function ringAttention<Axes extends MeshAxes>(
  q: Tensor,
  { k, v }: { readonly k: Tensor; readonly v: Tensor },
  options: ContextParallelOptions<Axes>,
): Tensor {
  const mesh: DeviceMesh = options.mesh;
  const { axis, order = "zigzag" } = options;
  const numRanks = mesh.shape[axisIndex(mesh, axis, "ringAttention")]!;
  requireShapes(q, k, v);
  if (numRanks === 1) return groupedCausalAttention(q, { k, v });
  chunkLength("ringAttention", q.shape[2]!, numRanks);
  registerRingAttention();
  const placement = commonPlacement(mesh, axis, { q, k, v });
  // Where nothing is split, all ranks of an axis do the same and have whole gradients already.
  const same: PlacementSpec = Object.fromEntries(
    mesh.axisNames.filter((name) => !(name in placement)).map((name) => [name, Replicate()]),
  );
  const attend = localMap(
    (...[queries, keys, values]: [Tensor, Tensor, Tensor]) =>
      runRingAttention(queries, { k: keys, v: values }, { axis, order }),
    {
      ...{ mesh, in: [placement, placement, placement], out: placement, outShapes: (shape) => [shape] },
      ...{ inGradients: [same, same, same], outGradients: [same] },
    },
  );
  return attend(q, k, v);
}

/**
 * `ringAttention` for the `attend` part of a model.
 *
 * @example
 * ```ts
 * const model = new Llama({ ...sizes, parts: { attend: contextParallelAttention({ mesh, axis: "cp" }) } });
 * ```
 */
export function contextParallelAttention<Axes extends MeshAxes>(
  options: ContextParallelOptions<Axes>,
): Attend {
  return (q, keysAndValues) => ringAttention(q, keysAndValues, options);
}

/** Sequences and heads stay split where they are, in the same way for all three. */
function commonPlacement(
  mesh: DeviceMesh,
  axis: string,
  { q, k, v }: { readonly q: Tensor; readonly k: Tensor; readonly v: Tensor },
): PlacementSpec {
  const spec: Record<string, Placement> = { [axis]: Shard(2) };
  const found = [q, k, v].map((tensor) => placementsOf(tensor));
  for (const [index, name] of mesh.axisNames.entries()) {
    const [first, ...others] = found.map((placements) => placements[name]);
    if (name === axis || first?.kind !== "shard" || first.dim > 1) continue;
    if (!others.every((other) => other?.kind === "shard" && other.dim === first.dim)) continue;
    if (first.dim === 1) requireWholeGroups(q, k, name, mesh.shape[index]!);
    spec[name] = first;
  }
  return spec;
}

function requireWholeGroups(q: Tensor, k: Tensor, axis: string, numRanks: number): void {
  const [heads, keyHeads] = [q.shape[1]!, k.shape[1]!];
  if (heads === keyHeads || keyHeads % numRanks === 0) return;
  throw new ContractError(
    `ringAttention: key and value heads (${keyHeads}) must be a multiple of the ranks on axis "${axis}" (${numRanks}) where several query heads (${heads}) share them; use fewer ranks, or more key and value heads.`,
  );
}

function requireShapes(q: Tensor, k: Tensor, v: Tensor): void {
  const [batch, heads, positions, features] = q.shape;
  const keyHeads = k.shape[1] ?? 0;
  const expected = [batch, keyHeads, positions, features].join(", ");
  const fits = [k, v].every(({ shape }) => shape.join(", ") === expected);
  if (q.rank === 4 && fits && keyHeads > 0 && heads! % keyHeads === 0) return;
  throw new ContractError(
    `ringAttention: q, k, v (shapes ${[q, k, v].map(({ shape }) => `[${shape.join(", ")}]`).join(", ")}) must be [B, H, T, Dh], [B, K, T, Dh] and [B, K, T, Dh] with K dividing H; use as many keys as queries.`,
  );
}
