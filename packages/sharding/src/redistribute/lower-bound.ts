/**
 * A time that no path from one layout to another can beat: it tells the search where not to look.
 *
 * Legend: S = bytes of the tensor, w = ranks that want each element in the end, h = ranks that hold it now,
 * q = summands of each element that are to be added.
 *
 * - Each rank that wants an element and lacks it receives it once: `S (w - h)` in all.
 * - If it is a sum of q parts, they have to meet first: `S (q - 1) + S (w - 1)` (Harary and Schwenk 1974: telling n
 *   ranks everything takes 2(n - 1) messages).
 *
 * The busiest rank sends at least the mean.
 *
 * @packageDocumentation
 */
import { numElements } from "../layout.ts";
import type { MeshGeometry } from "../mesh.ts";
import { axisCost } from "../mesh-costs.ts";
import type { Placement } from "../placement.ts";
import { samePlacement } from "../placement.ts";
import type { MovedTensor } from "./move-bytes.ts";

/** Bounds of the time from any layout to `goal`, in milliseconds. */
export function lowerBoundTo(
  goal: readonly Placement[],
  mesh: MeshGeometry,
  { shape, bytesPerElement, meshShape }: MovedTensor,
): (current: readonly Placement[]) => number {
  const costs = meshShape.map((_, axis) => axisCost(mesh, axis));
  const minLatencyMs = Math.min(...costs.map(({ latencyMs }) => latencyMs));
  const maxBandwidth = Math.max(...costs.map(({ bandwidth }) => bandwidth));
  const bytesPerRank = (numElements(shape) * bytesPerElement) / numElements(meshShape);
  return (current) => {
    let communicates = false;
    let [wanting, holding, summands, layers] = [1, 1, 1, 1];
    for (let axis = 0; axis < meshShape.length; axis++) {
      const [old, target, ranks] = [current[axis]!, goal[axis]!, meshShape[axis]!];
      if (old.kind !== "replicate" && !samePlacement(old, target)) communicates = true;
      // Along an axis that becomes partial, one rank alone wants the value.
      if (target.kind === "partial") {
        if (old.kind === "partial") layers *= ranks;
        continue;
      }
      if (target.kind === "replicate") wanting *= ranks;
      if (old.kind === "replicate") holding *= ranks;
      if (old.kind === "partial") summands *= ranks;
    }
    if (!communicates) return 0;
    const received = summands > 1 ? summands + wanting - 2 : Math.max(0, wanting - holding);
    return minLatencyMs + (1000 * layers * received * bytesPerRank) / maxBandwidth;
  };
}
