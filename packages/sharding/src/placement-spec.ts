/**
 * Placements as a user writes them, by axis name, turned into one checked placement per mesh axis.
 *
 * @packageDocumentation
 */
import { ContractError } from "@meshwright/core";
import type { DataType } from "@tensorflow/tfjs";
import { axisIndex, type AxisName, type MeshAxes, type MeshGeometry } from "./mesh.ts";
import { formatPlacement, Replicate, Shard, type Placement } from "./placement.ts";

/** `{ dp: Shard(0), tp: Replicate() }`; what unnamed axes mean is said where it is used. */
export type PlacementSpec<Axes extends MeshAxes = MeshAxes> = Readonly<
  Partial<Record<AxisName<Axes>, Placement>>
>;

/**
 * One placement per mesh axis, with dims in `0..ndim-1`. Axes that `spec` does not name get `unnamed[axis]`, or
 * `Replicate()`.
 *
 * @throws ContractError on an unknown axis, a dim outside the tensor, or a partial placement of a dtype that has none.
 */
export function resolvePlacements(
  where: string,
  mesh: MeshGeometry,
  spec: PlacementSpec,
  tensor: { readonly shape: readonly number[]; readonly dtype: DataType },
  unnamed?: readonly Placement[],
): Placement[] {
  const placements = mesh.axisNames.map((_, axis) => unnamed?.[axis] ?? Replicate());
  for (const [axis, placement] of Object.entries(spec)) {
    if (placement === undefined) continue;
    placements[axisIndex(mesh, axis, where)] = resolvePlacement(where, axis, placement, tensor);
  }
  return placements;
}

function resolvePlacement(
  where: string,
  axis: string,
  placement: Placement,
  { shape, dtype }: { readonly shape: readonly number[]; readonly dtype: DataType },
): Placement {
  if (placement.kind === "partial" && placement.op === "sum" && dtype === "bool") {
    throw new ContractError(
      `${where}: ${axis} (Partial("sum")) must not be used for dtype bool, which has no sum; use Partial("max") for "any" or cast to int32.`,
    );
  }
  if (placement.kind !== "replicate" && (dtype === "string" || dtype === "complex64")) {
    throw new ContractError(
      `${where}: ${axis} (${formatPlacement(placement)}) must not be used for dtype ${dtype}, which no collective moves; use Replicate().`,
    );
  }
  if (placement.kind !== "shard") return placement;
  const { dim } = placement;
  const resolved = dim < 0 ? dim + shape.length : dim;
  if (!Number.isInteger(dim) || resolved < 0 || resolved >= shape.length) {
    throw new ContractError(
      `${where}: ${axis} (Shard(${dim})) must name a dim of the tensor of shape [${shape.join(", ")}]; use a dim from ${-shape.length} to ${shape.length - 1}.`,
    );
  }
  return Shard(resolved);
}
