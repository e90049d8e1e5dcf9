/**
 * Compares what a program returns on a mesh with what its dense twin returns.
 *
 * @packageDocumentation
 */
import { ContractError } from "@meshwright/core";
import type { MeshAxes } from "../mesh.ts";

/** Named results of a program: global shapes and whole values, the same on every rank. */
export type NamedValues = Readonly<
  Record<string, { readonly shape: readonly number[]; readonly values: Float32Array }>
>;

/** The largest difference of one value on one mesh. */
export interface Comparison {
  readonly mesh: MeshAxes;
  readonly name: string;
  /** Largest absolute difference over the elements, divided by the largest dense magnitude (or the floor). */
  readonly difference: number;
}

/**
 * One comparison per dense value: the worst rank's. Pure.
 *
 * @throws ContractError if a rank returns other names or shapes than the dense twin.
 */
export function compareWithDense(
  dense: NamedValues,
  run: {
    readonly mesh: MeshAxes;
    /** What each rank returned. */
    readonly ranks: readonly NamedValues[];
    /** Magnitudes below this are compared as if they were this large. */
    readonly magnitudeFloor: number;
  },
): Comparison[] {
  const { mesh, ranks, magnitudeFloor } = run;
  for (const values of ranks) requireDenseNames(mesh, values, dense);
  return Object.keys(dense).map((name) => {
    const differences = ranks.map((values) =>
      differenceOf(mesh, name, values[name], dense[name]!, magnitudeFloor),
    );
    return { mesh, name, difference: Math.max(...differences) };
  });
}

type NamedValue = NamedValues[string];

function requireDenseNames(mesh: MeshAxes, values: NamedValues, dense: NamedValues): void {
  for (const [name, { shape }] of Object.entries(values)) {
    if (name in dense) continue;
    throw new ContractError(
      `verifyParallel: "${name}" on ${JSON.stringify(mesh)} (shape [${shape.join(", ")}]) must have the dense shape, but the dense twin returns no such value; return the same global values on every mesh.`,
    );
  }
}

function differenceOf(
  mesh: MeshAxes,
  name: string,
  value: NamedValue | undefined,
  dense: NamedValue,
  floor: number,
): number {
  if (value?.shape.join() !== dense.shape.join()) {
    throw new ContractError(
      `verifyParallel: "${name}" on ${JSON.stringify(mesh)} (shape ${value === undefined ? "missing" : `[${value.shape.join(", ")}]`}) must have the dense shape [${dense.shape.join(", ")}]; return the same global values on every mesh.`,
    );
  }
  let largest = floor;
  let difference = 0;
  dense.values.forEach((expected, i) => {
    const actual = value.values[i]!;
    if (Number.isFinite(expected)) largest = Math.max(largest, Math.abs(expected));
    // Equal infinities have no distance, and neither have two NaNs.
    if (Object.is(actual, expected) || actual === expected) return;
    const distance = Math.abs(actual - expected);
    // A NaN on one side only must not be lost in a maximum.
    difference = Math.max(difference, Number.isNaN(distance) ? Infinity : distance);
  });
  return difference / largest;
}
