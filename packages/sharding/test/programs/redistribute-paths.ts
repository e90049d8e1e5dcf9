/**
 * Random redistributions: what the ledger shows beside what `explainRedistribute` predicts, and the values.
 */
import { defineProgram, type NumericArray, type World } from "@meshwright/core";
import {
  createMesh,
  explainRedistribute,
  formatPlacement,
  fromLocal,
  full,
  measureMeshCosts,
  Partial,
  placementsOf,
  redistribute,
  Replicate,
  Shard,
  subMesh,
  type DeviceMesh,
  type MeshAxes,
  type MeshCosts,
  type Placement,
  type PlacementSpec,
} from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";

export interface PathOptions {
  readonly axes: MeshAxes;
  readonly costs?: MeshCosts;
  /** Work on the mesh without this axis. */
  readonly without?: string;
  readonly numCases: number;
  readonly seed: number;
}

/** One collective: group, name, bytes that this rank sent. */
export type Sent = readonly [group: string, collective: string, bytes: number];

export interface PathCase {
  readonly name: string;
  readonly predicted: readonly Sent[];
  readonly counted: readonly Sent[];
  /** Elements that differ from the dense value. */
  readonly wrong: number;
  readonly arrived: boolean;
}

export interface PathFacts {
  readonly cases: readonly PathCase[];
  readonly measured: MeshCosts;
  readonly growth: number;
}

type CaseDType = "float32" | "int32" | "bool";

interface RandomCase {
  readonly shape: readonly number[];
  readonly dtype: CaseDType;
  readonly from: readonly Placement[];
  readonly to: readonly Placement[];
}

export default defineProgram<PathOptions, never, PathFacts>(({ world, options }) => {
  const { axes, costs, without, numCases, seed } = options;
  const whole: DeviceMesh = createMesh(world, axes, costs === undefined ? {} : { costs });
  const mesh: DeviceMesh = without === undefined ? whole : subMesh(whole, { without });
  const before = tf.memory().numTensors;
  const draw = generator(seed);
  const cases: PathCase[] = [];
  while (cases.length < numCases) {
    tf.tidy(() => {
      cases.push(runCase(world, mesh, randomCase(mesh, draw)));
    });
  }
  const measured = measureMeshCosts(mesh, { bytes: 40_000, samples: 3 });
  return { cases, measured, growth: tf.memory().numTensors - before };
});

function runCase(world: World, mesh: DeviceMesh, { shape, dtype, from, to }: RandomCase): PathCase {
  const ends = { from: specOf(mesh, from), to: specOf(mesh, to) };
  const explained = explainRedistribute(mesh, { shape, dtype, ...ends });
  const position = positionIn(mesh);
  const t = partsOf(mesh, shape, dtype, from);
  const { result, entries } = world.ledger.record(() => redistribute(t, ends.to));
  // Before `full`, which reduces a partial value for good.
  const along = mesh.axisNames.map((name) => formatPlacement(placementsOf(result)[name]!)).join();
  const values = [...full(result).dataSync()];
  const expected = denseValues(mesh, shape, dtype, from);
  return {
    name: `${dtype}[${shape.join()}] ${from.map(formatPlacement).join()} to ${to.map(formatPlacement).join()}`,
    predicted: explained.steps.flatMap(({ group, collective, bytesSentPerRank }) =>
      collective === "local" ? [] : [[group, collective, bytesSentPerRank[position]!] as const],
    ),
    counted: entries.map(({ group, collective, bytesSent }) => [group, collective, bytesSent] as const),
    wrong:
      values.filter((value, i) => value !== expected[i]).length + Math.abs(values.length - expected.length),
    arrived: along === to.map(formatPlacement).join(),
  };
}

/** Park and Miller's generator: the same numbers on every rank. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 48271) % 2147483647;
    return Math.floor((state / 2147483647) * below);
  };
}

function randomCase(mesh: DeviceMesh, draw: (below: number) => number): RandomCase {
  const shape = Array.from({ length: 1 + draw(3) }, () => 1 + draw(7));
  const dtype = (["float32", "int32", "bool"] as const)[draw(3)]!;
  const op = dtype === "bool" ? "max" : "sum";
  const placement = (): Placement => {
    const choice = draw(shape.length + 2);
    if (choice === 0) return Replicate();
    return choice === 1 ? Partial(op) : Shard(choice - 2);
  };
  const layout = (): Placement[] => mesh.axisNames.map(placement);
  return { shape, dtype, from: layout(), to: layout() };
}

const specOf = ({ axisNames }: DeviceMesh, placements: readonly Placement[]): PlacementSpec =>
  Object.fromEntries(axisNames.map((name, axis) => [name, placements[axis]!]));

const positionIn = ({ shape, coordinate }: DeviceMesh): number =>
  coordinate.reduce((position, at, axis) => position * shape[axis]! + at, 0);

/** Element `i` is `i + 1`, or every third one is true. */
const valueAt = (dtype: CaseDType, i: number): number => (dtype === "bool" ? Number(i % 3 === 0) : i + 1);

/** The value of a tensor whose summands along a partial axis of n ranks are 1, 2, ... n times the elements. */
function denseValues(
  mesh: DeviceMesh,
  shape: readonly number[],
  dtype: CaseDType,
  from: readonly Placement[],
): number[] {
  const factor = from.reduce((product, { kind }, axis) => {
    const n = mesh.shape[axis]!;
    return kind === "partial" && dtype !== "bool" ? (product * n * (n + 1)) / 2 : product;
  }, 1);
  return Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => valueAt(dtype, i) * factor);
}

function partsOf(
  mesh: DeviceMesh,
  shape: readonly number[],
  dtype: CaseDType,
  from: readonly Placement[],
): tf.Tensor {
  const dense = denseValues(mesh, shape, dtype, []);
  const held = { size: [...shape], offset: shape.map(() => 0), factor: 1 };
  from.forEach((placement, axis) => {
    const [ranks, at] = [mesh.shape[axis]!, mesh.coordinate[axis]!];
    if (placement.kind === "partial" && dtype !== "bool") held.factor *= at + 1;
    if (placement.kind !== "shard") return;
    const width = Math.ceil(held.size[placement.dim]! / ranks);
    const start = Math.min(held.size[placement.dim]!, at * width);
    held.size[placement.dim] = Math.min(held.size[placement.dim]! - start, width);
    held.offset[placement.dim]! += start;
  });
  // Of an "or", the last rank along the axis knows what is true.
  const isLast = from.every(
    ({ kind }, axis) => kind !== "partial" || mesh.coordinate[axis] === mesh.shape[axis]! - 1,
  );
  const values = elementsOf(held.size, (index) => {
    const flat = index.reduce((total, i, dim) => total * shape[dim]! + i + held.offset[dim]!, 0);
    return dtype === "bool" ? (isLast ? dense[flat]! : 0) : dense[flat]! * held.factor;
  });
  const make = { float32: Float32Array, int32: Int32Array, bool: Uint8Array }[dtype];
  const typed: NumericArray = make.from(values);
  return fromLocal({ values: typed, shape: held.size }, mesh, specOf(mesh, from), { shape });
}

function elementsOf(shape: readonly number[], valueOf: (index: readonly number[]) => number): number[] {
  let indices: number[][] = [[]];
  for (const size of shape) {
    indices = indices.flatMap((index) => Array.from({ length: size }, (_, i) => [...index, i]));
  }
  return indices.map(valueOf);
}
