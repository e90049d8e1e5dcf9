/**
 * Carries out single-axis moves on a rank's local data.
 *
 * Legend: p = ranks on the axis, r = this rank's position on it.
 *
 * @packageDocumentation
 */
import type { Engine, NumericArray, ProcessGroup } from "@meshwright/core";
import type { DataType, TensorInfo } from "@tensorflow/tfjs";
import { chunk, numElements } from "../layout.ts";
import { formatPlacement, type Placement } from "../placement.ts";
import { copyRegion } from "./copy-region.ts";
import type { Step } from "./steps.ts";

/** What a move works on. */
export interface MoveContext {
  readonly engine: Engine;
  /** The ranks along the axis. */
  readonly group: ProcessGroup;
  readonly dtype: DataType;
  /** Shape of the tensor with every axis cut except the one that moves. */
  readonly wholeShape: readonly number[];
}

/** Makes the local tensor for `step.to` out of the one for `step.from`. Both stay owned by the caller. */
export function executeStep(local: TensorInfo, step: Step, context: MoveContext): TensorInfo {
  const { from, to } = step;
  const shape = localShape(context.wholeShape, to, context.group.size, context.group.rank);
  const label = `redistribute ${formatPlacement(from)} to ${formatPlacement(to)} of ${context.dtype}[${context.wholeShape.join(", ")}]`;
  return context.engine.create(shape, context.dtype, (out) => {
    // Taken inside `fill`: allocating the output may have moved the engine's memory.
    const data = context.engine.view(local);
    if (from.kind === "partial") reduce(data, out, from.op, to, context, label);
    else if (from.kind === "shard" && to.kind === "shard")
      exchange(data, out, from.dim, to.dim, context, label);
    else if (from.kind === "shard") gather(data, out, from.dim, context, label);
    else split(data, out, to, context);
  });
}

function localShape(
  whole: readonly number[],
  placement: Placement,
  parts: number,
  position: number,
): number[] {
  const shape = [...whole];
  if (placement.kind === "shard") shape[placement.dim] = chunk(shape[placement.dim]!, parts, position).size;
  return shape;
}

/** Every rank's shape under `Shard(dim)`, in rank order. */
function shardShapes(context: MoveContext, dim: number): number[][] {
  return Array.from({ length: context.group.size }, (_, r) =>
    localShape(context.wholeShape, { kind: "shard", dim }, context.group.size, r),
  );
}

/** Zeros, except `start` at `dim`. */
function offsetAt(shape: readonly number[], dim: number, start: number): number[] {
  return shape.map((_, d) => (d === dim ? start : 0));
}

/** `Partial -> Replicate` (all-reduce) and `Partial -> Shard` (reduce-scatter). */
function reduce(
  data: NumericArray,
  out: NumericArray,
  op: "sum" | "max" | "min",
  to: Placement,
  context: MoveContext,
  label: string,
): void {
  if (to.kind !== "shard") {
    out.set(data);
    context.group.allReduce(out, { op, label });
    return;
  }
  const shapes = shardShapes(context, to.dim);
  const counts = shapes.map(numElements);
  const send = packByChunk(data, context.wholeShape, to.dim, shapes);
  context.group.reduceScatter(send, { op, counts, into: out, label });
}

/** `Shard(dim) -> Replicate`: all-gather. */
function gather(
  data: NumericArray,
  out: NumericArray,
  dim: number,
  context: MoveContext,
  label: string,
): void {
  const { group, wholeShape } = context;
  const shapes = shardShapes(context, dim);
  const counts = shapes.map(numElements);
  if (isOutermost(wholeShape, dim)) {
    group.allGather(data, { counts, into: out, label });
    return;
  }
  const pieces = group.allGather(data, { counts, label });
  unpackByChunk(pieces, out, wholeShape, dim, shapes);
}

/** `Shard(a) -> Shard(b)`: all-to-all; rank r sends its rows of `a`, cut by chunks of `b`. */
function exchange(
  data: NumericArray,
  out: NumericArray,
  a: number,
  b: number,
  context: MoveContext,
  label: string,
): void {
  const { group, wholeShape } = context;
  const { size, rank } = group;
  const mine = localShape(wholeShape, { kind: "shard", dim: a }, size, rank);
  const target = localShape(wholeShape, { kind: "shard", dim: b }, size, rank);
  const sent = Array.from({ length: size }, (_, r) => localShape(mine, { kind: "shard", dim: b }, size, r));
  const received = Array.from({ length: size }, (_, r) =>
    localShape(target, { kind: "shard", dim: a }, size, r),
  );
  const pieces = group.allToAll(packByChunk(data, mine, b, sent), {
    sendCounts: sent.map(numElements),
    receiveCounts: received.map(numElements),
    label,
  });
  unpackByChunk(pieces, out, target, a, received);
}

/** `Replicate -> Shard` (slice) and `Replicate -> Partial` (the value on rank 0, the neutral element elsewhere). */
function split(data: NumericArray, out: NumericArray, to: Placement, context: MoveContext): void {
  const { group, wholeShape } = context;
  if (to.kind === "shard") {
    const part = chunk(wholeShape[to.dim]!, group.size, group.rank);
    const shape = wholeShape.map((size, dim) => (dim === to.dim ? part.size : size));
    const from = { data, shape: wholeShape, offset: offsetAt(wholeShape, to.dim, part.start) };
    copyRegion(from, { data: out, shape, offset: offsetAt(shape, 0, 0) }, shape);
  } else if (to.kind === "partial" && to.op === "sum" && group.rank > 0) out.fill(0);
  else out.set(data);
}

/** Whether cutting `dim` leaves every piece contiguous. */
function isOutermost(shape: readonly number[], dim: number): boolean {
  return shape.slice(0, dim).every((size) => size === 1);
}

/** Lays the chunks of `dim` one after the other. Returns `data` itself where they already are. */
function packByChunk(
  data: NumericArray,
  shape: readonly number[],
  dim: number,
  chunks: readonly (readonly number[])[],
): NumericArray {
  if (isOutermost(shape, dim)) return data;
  const packed = new (data.constructor as new (length: number) => NumericArray)(data.length);
  walkChunks(chunks, dim, (piece, at, start) => {
    const target = { data: packed.subarray(at), shape: piece, offset: offsetAt(piece, 0, 0) };
    copyRegion({ data, shape, offset: offsetAt(shape, dim, start) }, target, piece);
  });
  return packed;
}

/** The inverse of `packByChunk`. */
function unpackByChunk(
  packed: NumericArray,
  out: NumericArray,
  shape: readonly number[],
  dim: number,
  chunks: readonly (readonly number[])[],
): void {
  walkChunks(chunks, dim, (piece, at, start) => {
    const source = { data: packed.subarray(at), shape: piece, offset: offsetAt(piece, 0, 0) };
    copyRegion(source, { data: out, shape, offset: offsetAt(shape, dim, start) }, piece);
  });
}

/** Visits consecutive chunks with their place in the packed array and along `dim`. */
function walkChunks(
  chunks: readonly (readonly number[])[],
  dim: number,
  visit: (piece: readonly number[], at: number, start: number) => void,
): void {
  let at = 0;
  let start = 0;
  for (const piece of chunks) {
    visit(piece, at, start);
    at += numElements(piece);
    start += piece[dim]!;
  }
}
