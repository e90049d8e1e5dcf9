/**
 * Whole values in plain arrays: what a rule is checked against, and how one is cut for the ranks and put together again.
 *
 * @packageDocumentation
 */
import { ContractError, InternalError } from "@meshwright/core";
import { numElements, regionOf, type Region } from "../layout.ts";
import type { MeshGeometry } from "../mesh.ts";
import type { PartialOp, Placement } from "../placement.ts";
import type { TensorSpec } from "./rule.ts";

/** A value of any type that tfjs stores as numbers, row by row. */
export interface DenseValue extends TensorSpec {
  readonly values: ArrayLike<number>;
}

/** Draws numbers in `[0, 1)`. */
export type Random = () => number;

/** A small repeatable generator (mulberry32); not for training. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * What the rank at each coordinate holds of `value`. Along a partial axis the value is split at random: summands that
 * add up to it, or candidates of which one position holds it.
 */
export function cutValue(
  value: DenseValue,
  placements: readonly Placement[],
  mesh: MeshGeometry,
  random: Random,
): (coordinate: readonly number[]) => DenseValue {
  let parts = new Map<string, DenseValue>([["", value]]);
  placements.forEach((placement, axis) => {
    if (placement.kind !== "partial") return;
    const finer = new Map<string, DenseValue>();
    for (const [key, part] of parts) {
      partialParts(part, placement.op, mesh.shape[axis]!, random).forEach((piece, position) =>
        finer.set(`${key}${position},`, piece),
      );
    }
    parts = finer;
  });
  return (coordinate) => {
    const key = coordinate.map((at, axis) => (placements[axis]!.kind === "partial" ? `${at},` : "")).join("");
    return takeRegion(parts.get(key)!, regionOf(value.shape, placements, mesh.shape, coordinate));
  };
}

function partialParts(value: DenseValue, op: PartialOp, parts: number, random: Random): DenseValue[] {
  if (op === "sum" && value.dtype === "bool") {
    throw new ContractError(
      'verifyRule: a bool tensor must not be Partial("sum"); use "max" or "min", or cast to int32.',
    );
  }
  const columns = Array.from({ length: parts }, () => new Array<number>(value.values.length));
  for (let i = 0; i < value.values.length; i++) {
    const whole = value.values[i]!;
    const holder = Math.floor(random() * parts);
    let rest = whole;
    for (let part = 0; part < parts; part++) {
      if (part === holder) continue;
      // Whole numbers keep sums of small test values exact.
      const drawn = Math.floor(random() * 9);
      columns[part]![i] = op === "sum" ? drawn - 4 : candidate(value, whole, op, drawn);
      rest -= drawn - 4;
    }
    columns[holder]![i] = op === "sum" ? rest : whole;
  }
  return columns.map((values) => ({ ...value, values }));
}

function candidate({ dtype }: TensorSpec, whole: number, op: "max" | "min", drawn: number): number {
  const other = op === "max" ? whole - drawn : whole + drawn;
  return dtype === "bool" ? Math.max(0, Math.min(1, other)) : other;
}

function takeRegion(value: DenseValue, region: Region): DenseValue {
  const values = new Array<number>(numElements(region.shape));
  visitRegion(value.shape, region, (global, local) => {
    values[local] = value.values[global]!;
  });
  return { shape: region.shape, dtype: value.dtype, values };
}

/** Calls `visit` with the flat index of each element of a region, in the whole and in the region. */
export function visitRegion(
  shape: readonly number[],
  region: Region,
  visit: (global: number, local: number) => void,
): void {
  const count = numElements(region.shape);
  for (let local = 0; local < count; local++) {
    let rest = local;
    let global = 0;
    let stride = 1;
    for (let dim = shape.length - 1; dim >= 0; dim--) {
      const size = region.shape[dim]!;
      global += ((rest % size) + region.offset[dim]!) * stride;
      rest = Math.floor(rest / size);
      stride *= shape[dim]!;
    }
    visit(global, local);
  }
}

/** All coordinates of a mesh, in rank order. */
export function coordinatesOf(mesh: MeshGeometry): number[][] {
  return mesh.shape.reduce<number[][]>(
    (found, size) =>
      found.flatMap((start) => Array.from({ length: size }, (_, position) => [...start, position])),
    [[]],
  );
}

/**
 * The whole value of which the ranks hold `locals`, in rank order.
 *
 * @throws ContractError where replicas differ, where no rank holds an element, or where a shard has the wrong size.
 */
export function assembleValue(
  spec: TensorSpec,
  placements: readonly Placement[],
  mesh: MeshGeometry,
  locals: readonly DenseValue[],
): DenseValue {
  const values = new Array<number>(numElements(spec.shape));
  const held = new Array<boolean>(values.length).fill(false);
  const op = placements.find((placement) => placement.kind === "partial")?.op;
  coordinatesOf(mesh).forEach((coordinate, rank) => {
    const local = locals[rank]!;
    const region = regionOf(spec.shape, placements, mesh.shape, coordinate);
    if (local.shape.join() !== region.shape.join() || local.dtype !== spec.dtype) {
      throw new ContractError(
        `rank ${rank} holds ${formatSpec(local)} but must hold ${formatSpec({ shape: region.shape, dtype: spec.dtype })}`,
      );
    }
    const first = coordinate.map((at, axis) => (placements[axis]!.kind === "replicate" ? 0 : at));
    const firstRank = first.reduce((index, at, axis) => index * mesh.shape[axis]! + at, 0);
    if (firstRank !== rank) {
      assertReplica(local, locals[firstRank]!, rank, firstRank);
      return;
    }
    visitRegion(spec.shape, region, (global, at) => {
      const value = local.values[at]!;
      const whole = held[global] === true ? combine(op, values[global]!, value) : value;
      // Integer sums wrap, as those of the transports do.
      values[global] = spec.dtype === "int32" ? whole | 0 : whole;
      held[global] = true;
    });
  });
  const missing = held.indexOf(false);
  if (missing >= 0) throw new ContractError(`element ${missing} is on no rank`);
  return { ...spec, values };
}

/** `float32[2, 3]` */
export function formatSpec({ shape, dtype }: TensorSpec): string {
  return `${dtype}[${shape.join(", ")}]`;
}

function assertReplica(a: DenseValue, b: DenseValue, rankA: number, rankB: number): void {
  for (let i = 0; i < a.values.length; i++) {
    if (!Object.is(a.values[i], b.values[i])) {
      throw new ContractError(
        `ranks ${rankB} and ${rankA} hold replicas whose element ${i} is ${b.values[i]!} and ${a.values[i]!}`,
      );
    }
  }
}

function combine(op: PartialOp | undefined, a: number, b: number): number {
  switch (op) {
    case "sum":
      return a + b;
    case "max":
      return Math.max(a, b);
    case "min":
      return Math.min(a, b);
    case undefined:
      throw new InternalError("two shards of one tensor overlap");
  }
}
