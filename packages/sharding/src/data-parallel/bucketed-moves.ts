/**
 * Collects tensors that move along one mesh axis, and moves them a bucket at a time.
 *
 * Tensors that move in the same way along the same axes share buckets, whatever comes between them.
 *
 * @packageDocumentation
 */
import type { Tensor } from "@tensorflow/tfjs";
import { shardedBackend } from "../backend/current.ts";
import type { MeshLayout } from "../backend/layout-table.ts";
import { moveLocal } from "../backend/mover.ts";
import type { ShardedBackend } from "../backend/sharded-backend.ts";
import type { ShardRecord } from "../backend/shard-store.ts";
import { axisIndex, productName, type DeviceMesh } from "../mesh.ts";
import { Replicate, samePlacement, type Placement } from "../placement.ts";
import { changedAxes } from "../redistribute/move.ts";
import { Bucketing, DEFAULT_BUCKET_BYTES } from "./bucket.ts";
import { isInnermostCut } from "./shard-dim.ts";
import { moveBucket, wholeBytes, type BucketItem } from "./move-bucket.ts";

/** Where buckets move, and how large they are. */
export interface BucketOptions {
  readonly mesh: DeviceMesh;
  /** The axis along which placements change. */
  readonly axis: string;
  /** Bytes per rank, whole along the axis. Default 1 MiB. */
  readonly bucketBytes?: number;
}

/** Tensors that wait for the same collective. */
interface Bucket {
  readonly kind: string;
  readonly axes: readonly number[];
  readonly bucketing: Bucketing;
  items: BucketItem[];
}

/** Moves tensors in place; every rank adds the same tensors in the same order. */
export class BucketedMoves {
  readonly #where: string;
  readonly #mesh: DeviceMesh;
  readonly #axis: number;
  readonly #backend: ShardedBackend;
  readonly #bucketBytes: number;
  readonly #what: string;
  readonly #buckets = new Map<string, Bucket>();
  readonly #waiting = new Set<ShardRecord>();
  #numBuckets = 0;

  /**
   * @param what - what moves, for the label of the collectives
   * @throws ContractError if the mesh has no such axis, or the limit is not positive.
   */
  constructor(
    where: string,
    what: string,
    { mesh, axis, bucketBytes = DEFAULT_BUCKET_BYTES }: BucketOptions,
  ) {
    // Refuses a limit that holds nothing.
    new Bucketing(where, bucketBytes);
    this.#where = where;
    this.#mesh = mesh;
    this.#axis = axisIndex(mesh, axis, where);
    this.#backend = shardedBackend(where);
    this.#bucketBytes = bucketBytes;
    this.#what = what;
  }

  /**
   * Has `t` moved to `placement` along the axis: with its bucket, or at once if that needs no collective, or another than
   * those of buckets. A tensor on another mesh, or on none, stays as it is.
   *
   * @param options - `reduceOthers`: what is partial along other axes becomes whole there with the same all-reduce. Where
   * the move along the axis is no all-reduce but is done already, with one of its own.
   */
  add(t: Tensor, placement: Placement, options: { readonly reduceOthers?: boolean } = {}): void {
    const record = this.#backend.recordOf(t);
    const { layout } = record;
    if (layout.mesh !== this.#mesh || this.#waiting.has(record)) return;
    const from = layout.placements;
    const target = this.#target(from, placement, options.reduceOthers === true);
    if (changedAxes(from, target).length === 0) return;
    const to = this.#backend.layouts.on(this.#mesh, layout.shape, layout.dtype, target);
    const axes = changedAxes(from, target).filter((axis) => this.#mesh.shape[axis]! > 1);
    if (axes.length === 0 || !axes.every((axis) => this.#fitsBucket(axis, from, target))) {
      this.#backend.replace(record, to, moveLocal(record.local, layout, to, this.#backend.door));
      return;
    }
    this.#enqueue(record, to, axes);
  }

  /** Moves what waits. */
  flush(): void {
    for (const bucket of this.#buckets.values()) {
      this.#move(bucket);
      bucket.bucketing.clear();
    }
  }

  #target(from: readonly Placement[], placement: Placement, reduceOthers: boolean): readonly Placement[] {
    const own = from[this.#axis]!;
    const isReduced = own.kind === "partial" && placement.kind === "replicate";
    const reduces = reduceOthers && (isReduced || samePlacement(own, placement));
    return from.map((other, axis) => {
      if (axis === this.#axis) return placement;
      return reduces && other.kind === "partial" ? Replicate() : other;
    });
  }

  /** Whether the move is one collective on what the ranks of the axis hold. */
  #fitsBucket(axis: number, all: readonly Placement[], target: readonly Placement[]): boolean {
    const [from, to] = [all[axis]!, target[axis]!];
    if (from.kind === "replicate" || from.kind === to.kind) return false;
    const context = { placements: all, meshShape: this.#mesh.shape, axis };
    return [from, to].every(
      (placement) => placement.kind !== "shard" || isInnermostCut(context, placement.dim),
    );
  }

  #enqueue(record: ShardRecord, to: MeshLayout, axes: readonly number[]): void {
    const [axis] = axes as [number];
    const kind = `${record.layout.placements[axis]!.kind} to ${to.placements[axis]!.kind}`;
    const key = `${kind} along ${productName(this.#mesh.axisNames, axes)}`;
    let bucket = this.#buckets.get(key);
    if (bucket === undefined) {
      bucket = { kind, axes, bucketing: new Bucketing(this.#where, this.#bucketBytes), items: [] };
      this.#buckets.set(key, bucket);
    }
    if (bucket.bucketing.add(wholeBytes(record, axis))) this.#move(bucket);
    bucket.items.push({ record, to });
    this.#waiting.add(record);
  }

  #move(bucket: Bucket): void {
    const { items, kind, axes } = bucket;
    bucket.items = [];
    if (items.length === 0) return;
    for (const { record } of items) this.#waiting.delete(record);
    const label = `${this.#what}, bucket ${this.#numBuckets++}: ${items.length} tensors ${kind}`;
    moveBucket(items, { mesh: this.#mesh, axes, backend: this.#backend, label });
  }
}
