/**
 * The global shapes of what local code returns, put together from what each rank returns.
 *
 * @packageDocumentation
 */
import { ContractError } from "@meshwright/core";
import type { DeviceMesh } from "../mesh.ts";
import type { Placement } from "../placement.ts";

/** An output as this rank sees it. */
export interface LocalOutput {
  readonly shape: readonly number[];
  /** One per mesh axis. */
  readonly placements: readonly Placement[];
}

/**
 * Sizes of split dims are summed over the ranks that split them; all others must agree. One all-gather of a few integers
 * per axis that splits an output, innermost cut first.
 *
 * @throws ContractError if ranks return other sizes of a dim that is not split between them.
 */
export function gatherShapes(outputs: readonly LocalOutput[], mesh: DeviceMesh): number[][] {
  const shapes = outputs.map(({ shape }) => [...shape]);
  for (let axis = mesh.shape.length - 1; axis >= 0; axis--) {
    const isSplit = outputs.some(({ placements }) => placements[axis]!.kind === "shard");
    if (isSplit && mesh.shape[axis]! > 1) joinAlong(axis, shapes, outputs, mesh);
  }
  return shapes;
}

function joinAlong(
  axis: number,
  shapes: readonly number[][],
  outputs: readonly LocalOutput[],
  mesh: DeviceMesh,
): void {
  const own = Int32Array.from(shapes.flat());
  const all = mesh.group(mesh.axisNames[axis]!).allGather(own, { label: "localMap output shapes" });
  const numRanks = mesh.shape[axis]!;
  let at = 0;
  shapes.forEach((shape, output) => {
    const placement = outputs[output]!.placements[axis]!;
    shape.forEach((size, dim) => {
      const sizes = Array.from({ length: numRanks }, (_, rank) => all[rank * own.length + at]!);
      if (placement.kind === "shard" && placement.dim === dim) {
        shape[dim] = sizes.reduce((sum, part) => sum + part, 0);
      } else if (sizes.some((other) => other !== size)) {
        throw new ContractError(
          `localMap: dim ${dim} of output ${output} (${sizes.join(", ")} along ${mesh.axisNames[axis]!}) must have one size on all ranks, because it is not split there; use out: { ${mesh.axisNames[axis]!}: Shard(${dim}) }, or make it the same.`,
        );
      }
      at++;
    });
  });
}
