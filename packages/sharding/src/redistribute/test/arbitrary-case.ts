/**
 * Random redistributions.
 */
import fc from "fast-check";
import type { MeshGeometry } from "../../mesh.ts";
import type { MeshCosts } from "../../mesh-costs.ts";
import { Partial, Replicate, Shard, type Placement } from "../../placement.ts";
import type { MovedTensor } from "../move-bytes.ts";

/** One redistribution. */
export interface MoveCase {
  readonly mesh: MeshGeometry;
  readonly tensor: MovedTensor;
  readonly from: readonly Placement[];
  readonly to: readonly Placement[];
}

const AXIS_NAMES = ["a", "b", "c", "d"];

const anyPlacement = (ndim: number): fc.Arbitrary<Placement> =>
  fc.oneof(
    fc.constant<Placement>(Replicate()),
    fc.constant<Placement>(Partial()),
    fc.integer({ min: 0, max: ndim - 1 }).map((dim) => Shard(dim)),
  );

/** Axes of like and of very unlike speed. */
const anyCosts = (numAxes: number): fc.Arbitrary<MeshCosts> =>
  fc
    .array(
      fc.record({
        bandwidth: fc.constantFrom(1e5, 1e9, 1e11),
        latencyMs: fc.constantFrom(0.001, 0.002, 0.05),
      }),
      { minLength: numAxes, maxLength: numAxes },
    )
    .map((costs) => Object.fromEntries(costs.map((cost, axis) => [AXIS_NAMES[axis]!, cost])));

/** Meshes of up to `maxAxes` axes of 1 to 4 ranks, tensors of 1 to 3 dims of 1 to 7 elements, any two layouts. */
export function arbitraryCase({ maxAxes }: { readonly maxAxes: number }): fc.Arbitrary<MoveCase> {
  return fc
    .record({
      meshShape: fc.array(fc.integer({ min: 1, max: maxAxes > 2 ? 3 : 4 }), {
        minLength: 1,
        maxLength: maxAxes,
      }),
      shape: fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 3 }),
    })
    .chain(({ meshShape, shape }) => {
      const count = { minLength: meshShape.length, maxLength: meshShape.length };
      const placements = fc.array(anyPlacement(shape.length), count);
      return fc
        .record({ from: placements, to: placements, costs: anyCosts(meshShape.length) })
        .map((ends) => ({
          mesh: { axisNames: AXIS_NAMES.slice(0, meshShape.length), shape: meshShape, costs: ends.costs },
          tensor: { shape, bytesPerElement: 4, meshShape },
          from: ends.from,
          to: ends.to,
        }));
    });
}

/** Every combination of `Replicate`, `Partial("sum")` and a cut of one of `dims` along `numAxes` axes. */
export function allLayouts(numAxes: number, dims: readonly number[]): Placement[][] {
  const choices = [Replicate(), Partial(), ...dims.map((dim) => Shard(dim))];
  let layouts: Placement[][] = [[]];
  for (let axis = 0; axis < numAxes; axis++) {
    layouts = layouts.flatMap((layout) => choices.map((placement) => [...layout, placement]));
  }
  return layouts;
}
