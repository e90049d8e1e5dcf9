/**
 * The dense twin: runs one program on one rank and on meshes, and compares everything that it returns.
 *
 * @packageDocumentation
 */
import {
  ContractError,
  createWorld,
  type EngineName,
  type Program,
  type WorldHandle,
} from "@meshwright/core";
import type { Tensor } from "@tensorflow/tfjs";
import type { MeshAxes } from "../mesh.ts";
import { full } from "../sharded-tensor.ts";
import { compareWithDense, type Comparison, type NamedValues } from "./compare-with-dense.ts";

export type { Comparison, NamedValues } from "./compare-with-dense.ts";

/** A program that `verifyParallel` can run: it builds its mesh from `options.mesh` and returns named values. */
export type TwinProgram<Extra extends object = object> = Program<
  Extra & { readonly mesh: MeshAxes },
  unknown,
  NamedValues
>;

/** How to verify. */
export interface VerifyOptions<Extra extends object> {
  /** Meshes to compare with one rank. All name the same axes; the dense twin has every axis at 1. */
  readonly meshes: readonly MeshAxes[];
  /** Further options of the program. */
  readonly options?: Extra;
  /** Largest difference allowed, relative to the largest magnitude of the dense value. Default 1e-5. */
  readonly tolerance?: number;
  /**
   * Magnitudes below this are compared as if they were this large. Some gradients are zero but for rounding (a key's
   * bias, which softmax cancels). Default 1e-3.
   */
  readonly magnitudeFloor?: number;
  /** Of the world that is started for this call. */
  readonly engine?: EngineName | "auto";
  /** An open world with as many ranks as the largest mesh, or more; it stays open. Default: one for this call. */
  readonly world?: WorldHandle;
}

/** A parallel run differs from its dense twin. */
export class TwinMismatchError extends Error {
  override readonly name = "TwinMismatchError";

  constructor(
    message: string,
    readonly comparisons: readonly Comparison[],
  ) {
    super(message);
  }
}

/** Gathers tensors for the result of a `TwinProgram`. A collective. */
export function collectValues(tensors: Readonly<Record<string, Tensor>>): NamedValues {
  const values: Record<string, NamedValues[string]> = {};
  for (const [name, tensor] of Object.entries(tensors)) {
    // Not in a tidy: it would walk every element of the array that it returns.
    const whole = full(tensor);
    values[name] = { shape: tensor.shape, values: Float32Array.from(whole.dataSync()) };
    whole.dispose();
  }
  return values;
}

/**
 * Runs `program` on one rank and on every mesh, and compares every named value of every rank with the dense one.
 *
 * @returns one comparison per mesh and value: the worst rank's.
 * @throws TwinMismatchError that names the mesh, value and difference of whatever exceeds the tolerance.
 * @throws ContractError if a mesh run returns other names or shapes than the dense run, or has more ranks than `world`.
 */
export async function verifyParallel<Extra extends object = object>(
  program: URL,
  { meshes, options, tolerance = 1e-5, magnitudeFloor = 1e-3, engine, world: given }: VerifyOptions<Extra>,
): Promise<Comparison[]> {
  if (given !== undefined && engine !== undefined) {
    throw new ContractError(
      `verifyParallel: engine ("${engine}") must not be given with a world, which has its own; leave one of them out.`,
    );
  }
  const axes = new Set(meshes.flatMap((mesh) => Object.keys(mesh)));
  // All meshes share a world: starting threads takes longer than most programs.
  const world =
    given ?? (await createWorld({ ranks: Math.max(1, ...meshes.map(sizeOf)), engine: engine ?? "auto" }));
  const runOn = async (mesh: MeshAxes): Promise<NamedValues[]> => {
    const whole = { ...Object.fromEntries([...axes].map((axis) => [axis, 1])), ...mesh };
    return world.run<TwinProgram>(program, { ...options, mesh: whole }, { ranks: sizeOf(mesh) });
  };
  const comparisons: Comparison[] = [];
  try {
    const [dense] = await runOn({});
    for (const mesh of meshes) {
      comparisons.push(...compareWithDense(dense!, { mesh, ranks: await runOn(mesh), magnitudeFloor }));
    }
  } finally {
    if (given === undefined) await world.close();
  }
  const wrong = comparisons.filter(({ difference }) => !(difference <= tolerance));
  if (wrong.length > 0) throw new TwinMismatchError(describeMismatch(wrong, tolerance), comparisons);
  return comparisons;
}

function sizeOf(mesh: MeshAxes): number {
  return Object.values(mesh).reduce((a, b) => a * b, 1);
}

function describeMismatch(wrong: readonly Comparison[], tolerance: number): string {
  const lines = wrong.map(
    ({ mesh, name, difference }) =>
      `\n- ${name} on ${JSON.stringify(mesh)}: differs by ${difference.toExponential(2)}`,
  );
  return `verifyParallel: values must equal the dense ones within ${tolerance}:${lines.join("")}`;
}
