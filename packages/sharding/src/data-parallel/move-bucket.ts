/**
 * Changes the placement of several tensors along one mesh axis with one collective.
 *
 * Legend: p = ranks on the axis, a and b = two tensors, a_r = the chunk of `a` that rank r holds when it is split.
 *
 * | from      | to          | sent                         | collective     |
 * | --------- | ----------- | ---------------------------- | -------------- |
 * | `Partial` | `Replicate` | `[a  b]`                     | all-reduce     |
 * | `Partial` | `Shard`     | `[a_0 b_0  a_1 b_1  ...]`    | reduce-scatter |
 * | `Shard`   | `Replicate` | `[a_r b_r]`                  | all-gather     |
 *
 * Every tensor may be split along another dim, unevenly, and lie as it likes on the other axes of the mesh: what is sent
 * is what this rank holds. Bytes are those of single moves. An all-reduce may run along several axes at once.
 *
 * @packageDocumentation
 */
import { InternalError } from "@meshwright/core";
import type { TensorInfo } from "@tensorflow/tfjs";
import type { MeshLayout } from "../backend/layout-table.ts";
import { moveLocal } from "../backend/mover.ts";
import type { ShardedBackend } from "../backend/sharded-backend.ts";
import type { ShardRecord } from "../backend/shard-store.ts";
import { chunk, numElements, regionOf } from "../layout.ts";
import type { DeviceMesh } from "../mesh.ts";
import { Replicate, type Placement } from "../placement.ts";
import { copyRegion } from "../redistribute/copy-region.ts";

/** One tensor of a bucket: where it is, and where it goes along the bucket's axes. */
export interface BucketItem {
  readonly record: ShardRecord;
  readonly to: MeshLayout;
}

interface Chunk {
  readonly shape: readonly number[];
  readonly offset: readonly number[];
}

/** What the items of a bucket have in common. */
export interface BucketMove {
  readonly mesh: DeviceMesh;
  /** Indices of the mesh axes along which all items move; one, unless it is an all-reduce. */
  readonly axes: readonly number[];
  readonly backend: ShardedBackend;
  /** What the collective is for; the same on every rank. */
  readonly label: string;
}

/** Moves float32 tensors in place. All items make the same kind of move; one collective, whatever their number. */
export function moveBucket(items: readonly BucketItem[], move: BucketMove): void {
  const [first] = items;
  if (first === undefined) return;
  if (items.length === 1) {
    const { backend } = move;
    const { record, to } = first;
    backend.replace(record, to, moveLocal(record.local, record.layout, to, backend.door));
    return;
  }
  const [axis] = move.axes as [number];
  const from = first.record.layout.placements[axis]!;
  const to = first.to.placements[axis]!;
  if (from.kind === "partial" && to.kind === "replicate") allReduce(items, move);
  else if (from.kind === "partial" && to.kind === "shard") reduceScatter(items, axis, move);
  else if (from.kind === "shard" && to.kind === "replicate") allGather(items, axis, move);
  else throw new InternalError(`no collective moves a bucket from ${from.kind} to ${to.kind}`);
}

/** Bytes of a float32 tensor on this rank when the axis does not split it. */
export function wholeBytes(record: ShardRecord, axis: number): number {
  return numElements(wholeShape(record, axis)) * Float32Array.BYTES_PER_ELEMENT;
}

function allReduce(items: readonly BucketItem[], move: BucketMove): void {
  const { backend, label } = move;
  const { door } = backend;
  const sizes = items.map(({ record }) => numElements(record.layout.localShape));
  const reduced = scratch(backend, sum(sizes), (out) => {
    walk(sizes, (i, at) => {
      out.set(door.engine.view(items[i]!.record.local), at);
    });
    groupOf(move).allReduce(out, { label });
  });
  unpackOwn(items, sizes, reduced, backend);
  door.dispose(reduced);
}

function reduceScatter(items: readonly BucketItem[], axis: number, move: BucketMove): void {
  const { backend, label } = move;
  const { door } = backend;
  const group = groupOf(move);
  const { chunks, counts } = chunksOf(items, axis, group.size);
  const send = scratch(backend, sum(counts), (out) => {
    let at = 0;
    for (const ofRank of chunks) {
      ofRank.forEach(({ shape, offset }, i) => {
        const { local, layout } = items[i]!.record;
        const from = { data: door.engine.view(local), shape: layout.localShape, offset };
        copyRegion(from, { data: out.subarray(at), shape, offset: zeros(shape) }, shape);
        at += numElements(shape);
      });
    }
  });
  const own = scratch(backend, counts[group.rank]!, (out) => {
    group.reduceScatter(door.engine.view(send), { counts, into: out, label });
  });
  door.dispose(send);
  const sizes = chunks[group.rank]!.map(({ shape }) => numElements(shape));
  unpackOwn(items, sizes, own, backend);
  door.dispose(own);
}

function allGather(items: readonly BucketItem[], axis: number, move: BucketMove): void {
  const { backend, label } = move;
  const { door } = backend;
  const group = groupOf(move);
  const { chunks, counts } = chunksOf(items, axis, group.size);
  const before = (rank: number): number => sum(counts.slice(0, rank));
  const all = scratch(backend, sum(counts), (out) => {
    const start = before(group.rank);
    const own = out.subarray(start, start + counts[group.rank]!);
    const sizes = chunks[group.rank]!.map(({ shape }) => numElements(shape));
    walk(sizes, (i, at) => {
      own.set(door.engine.view(items[i]!.record.local), at);
    });
    group.allGather(own, { counts, into: out, label });
  });
  const at = chunks.map((_, rank) => before(rank));
  items.forEach((item, i) => {
    put(item, backend, (out) => {
      const data = door.engine.view(all);
      chunks.forEach((ofRank, rank) => {
        const { shape, offset } = ofRank[i]!;
        const from = { data: data.subarray(at[rank]), shape, offset: zeros(shape) };
        copyRegion(from, { data: out, shape: item.to.localShape, offset }, shape);
        at[rank]! += numElements(shape);
      });
    });
  });
  door.dispose(all);
}

/** What each rank holds of each item while the axis splits them, and how many elements together. */
function chunksOf(
  items: readonly BucketItem[],
  axis: number,
  numRanks: number,
): { readonly chunks: readonly (readonly Chunk[])[]; readonly counts: readonly number[] } {
  const chunks = Array.from({ length: numRanks }, (_, rank) =>
    items.map((item) => chunkOf(item, axis, numRanks, rank)),
  );
  const counts = chunks.map((ofRank) => sum(ofRank.map(({ shape }) => numElements(shape))));
  return { chunks, counts };
}

/** Memory of the engine, which it reuses; fresh host memory of a bucket's size costs as much as a copy. */
function scratch({ door }: ShardedBackend, length: number, fill: (out: Float32Array) => void): TensorInfo {
  return door.engine.create([length], "float32", (out) => {
    fill(out as Float32Array);
  });
}

/** Gives every item its piece of what this rank received. */
function unpackOwn(
  items: readonly BucketItem[],
  sizes: readonly number[],
  received: TensorInfo,
  backend: ShardedBackend,
): void {
  walk(sizes, (i, at) => {
    put(items[i]!, backend, (out) => {
      out.set(backend.door.engine.view(received).subarray(at, at + sizes[i]!));
    });
  });
}

/** The part of an item that a rank holds while the axis splits it, within what the ranks of the axis hold together. */
function chunkOf({ record, to }: BucketItem, axis: number, numRanks: number, rank: number): Chunk {
  const dim = splitDim(to.placements[axis]!) ?? splitDim(record.layout.placements[axis]!)!;
  const whole = wholeShape(record, axis);
  const { start, size } = chunk(whole[dim]!, numRanks, rank);
  return {
    shape: whole.map((n, d) => (d === dim ? size : n)),
    offset: whole.map((_, d) => (d === dim ? start : 0)),
  };
}

function splitDim(placement: Placement): number | undefined {
  return placement.kind === "shard" ? placement.dim : undefined;
}

/** What the ranks along the axis hold together. */
function wholeShape({ layout }: ShardRecord, axis: number): readonly number[] {
  const mesh = layout.mesh as DeviceMesh;
  const others = layout.placements.map((placement, other) => (other === axis ? Replicate() : placement));
  return regionOf(layout.shape, others, mesh.shape, mesh.coordinate).shape;
}

function put({ record, to }: BucketItem, backend: ShardedBackend, fill: (out: Float32Array) => void): void {
  const local = backend.door.engine.create(to.localShape, "float32", (out) => {
    fill(out as Float32Array);
  });
  backend.replace(record, to, local);
}

function groupOf({ mesh, axes }: BucketMove): ReturnType<DeviceMesh["group"]> {
  return mesh.productGroup(axes.map((axis) => mesh.axisNames[axis]!));
}

/** Visits consecutive pieces with the place at which each begins. */
function walk(sizes: readonly number[], visit: (index: number, at: number) => void): void {
  let at = 0;
  sizes.forEach((size, index) => {
    visit(index, at);
    at += size;
  });
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function zeros(shape: readonly number[]): number[] {
  return shape.map(() => 0);
}
