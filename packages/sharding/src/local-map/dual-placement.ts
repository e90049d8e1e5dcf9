/**
 * Where gradients lie when local code is differentiated: the dual of where the values lie.
 *
 * ```
 *   value           gradient         because
 *   Shard(d)        Shard(d)         every element has one owner
 *   Replicate       Partial("sum")   each rank knows what its own copy contributed
 *   Partial("sum")  Replicate        a sum hands its whole gradient to every summand
 * ```
 *
 * It holds on the way in and on the way out, and makes the backward pass the exact adjoint of the forward pass, whatever
 * the ranks do in between.
 *
 * @packageDocumentation
 */
import { ContractError } from "@meshwright/core";
import type { MeshGeometry } from "../mesh.ts";
import { formatPlacement, Partial, Replicate, type Placement } from "../placement.ts";
import { resolvePlacements, type PlacementSpec } from "../placement-spec.ts";

/** One placement per axis; on an axis of one rank all placements are the same. */
export function dualPlacements(placements: readonly Placement[], meshShape: readonly number[]): Placement[] {
  return placements.map((placement, axis) => {
    if (placement.kind === "shard") return placement;
    return placement.kind === "replicate" && meshShape[axis]! > 1 ? Partial("sum") : Replicate();
  });
}

/**
 * The placements of the gradient of a value with these placements: the dual ones, except on the axes that `override`
 * names.
 *
 * @throws ContractError if a local gradient in the overriding placement would have another shape than the local value,
 * or if there is no gradient because the value is a partial maximum or minimum.
 */
export function gradientPlacements(
  where: string,
  mesh: MeshGeometry,
  value: { readonly shape: readonly number[]; readonly placements: readonly Placement[] },
  override: PlacementSpec = {},
): Placement[] {
  const { shape, placements } = value;
  const gradient = { shape, dtype: "float32" } as const;
  const dual = dualPlacements(placements, mesh.shape);
  const chosen = resolvePlacements(where, mesh, override, gradient, dual);
  chosen.forEach((placement, axis) => {
    const [ours, theirs] = [splitDim(placements[axis]!), splitDim(placement)];
    const isReducible = placement.kind !== "partial" || placement.op === "sum";
    if (ours === theirs && isReducible) return;
    throw new ContractError(
      `${where}: ${mesh.axisNames[axis]!} (${formatPlacement(placement)}) must fit a value that is ${formatPlacement(placements[axis]!)}; use ${ours === undefined ? 'Replicate() or Partial("sum")' : `Shard(${ours})`}, or leave it out for ${formatPlacement(dual[axis]!)}.`,
    );
  });
  return chosen;
}

function splitDim(placement: Placement): number | undefined {
  return placement.kind === "shard" ? placement.dim : undefined;
}
