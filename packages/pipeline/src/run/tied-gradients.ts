/**
 * Sums the gradients of tied parameters over their stages.
 *
 * @packageDocumentation
 */
import type { NamedGradients, Parameter, ProcessGroup } from "@meshwright/core";
import {
  fromLocal,
  placementsOf,
  redistribute,
  Replicate,
  shard,
  toLocal,
  type DeviceMesh,
  type PlacementSpec,
} from "@meshwright/sharding";
import { tidy, type Tensor } from "@tensorflow/tfjs";
import type { Tie } from "./ties.ts";

/** One tie, on a rank that takes part in it. */
export interface TieOnRank {
  readonly tie: Tie;
  /** The ranks that hold one of the parameters; undefined if only this rank does. */
  readonly group: ProcessGroup | undefined;
}

/** The surroundings. */
export interface TiedOptions {
  readonly ties: readonly TieOnRank[];
  readonly parameters: ReadonlyMap<string, Parameter>;
  readonly stageMesh: DeviceMesh;
}

/**
 * The gradients, with each of a tied parameter replaced by the sum over all parameters of its tie. Takes and gives
 * ownership.
 *
 * Communication per tie: an all-reduce of the parameter's part between the ranks that hold it, after reducing the
 * gradient to the parameter's own placements. Both sides get the same bits.
 */
export function sumTiedGradients(gradients: NamedGradients, options: TiedOptions): NamedGradients {
  if (options.ties.length === 0) return gradients;
  const summed = new Map(gradients);
  for (const { tie, group } of options.ties) {
    const names = tie.names.filter((name) => options.parameters.has(name));
    const { variable, shape } = options.parameters.get(names[0]!)!;
    const target = placementsLike(variable, options.stageMesh);
    const parts = names.flatMap((name) => {
      const gradient = summed.get(name);
      return gradient === undefined ? [] : [localPart(gradient, target, options.stageMesh)];
    });
    const { shape: localShape } = toLocal(variable);
    const sum = addUp(parts, localShape);
    group?.allReduce(sum, { label: "tied gradients" });
    for (const name of names) {
      summed.get(name)?.dispose();
      summed.set(name, fromLocal({ values: sum, shape: localShape }, options.stageMesh, target, { shape }));
    }
  }
  return summed;
}

function placementsLike(variable: Tensor, mesh: DeviceMesh): PlacementSpec {
  const placements = placementsOf(variable);
  return Object.fromEntries(mesh.axisNames.map((axis) => [axis, placements[axis] ?? Replicate()]));
}

function localPart(gradient: Tensor, target: PlacementSpec, mesh: DeviceMesh): Float32Array {
  const parts: Float32Array[] = [];
  tidy(() => {
    const isOnMesh = Object.keys(placementsOf(gradient)).length > 0;
    const placed = isOnMesh ? redistribute(gradient, target) : shard(gradient, mesh, target);
    parts.push(toLocal(placed).values as Float32Array);
  });
  return parts[0]!;
}

function addUp(parts: readonly Float32Array[], shape: readonly number[]): Float32Array {
  const sum = new Float32Array(shape.reduce((a, b) => a * b, 1));
  for (const part of parts) part.forEach((value, i) => (sum[i]! += value));
  return sum;
}
