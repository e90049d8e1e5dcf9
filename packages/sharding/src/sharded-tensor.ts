/**
 * Sharded tensors: make them, look at them, move them.
 *
 * All results are new tensors owned by the caller (or by the enclosing `tf.tidy`).
 *
 * @packageDocumentation
 */
import { ContractError, type NumericArray } from "@meshwright/core";
import { engine as tfEngine, type DataType, type Tensor } from "@tensorflow/tfjs";
import { placementsOfGradient, runRedistribute } from "./backend/redistribute-kernel.ts";
import { shardedBackend } from "./backend/current.ts";
import { placementsOn } from "./backend/mover.ts";
import { numElements, regionOf } from "./layout.ts";
import { formatMesh, type DeviceMesh, type MeshAxes } from "./mesh.ts";
import { Replicate, type Placement } from "./placement.ts";
import { resolvePlacements, type PlacementSpec } from "./placement-spec.ts";

/**
 * Lays `t`, which every rank holds whole with the same values, out on `mesh`. No communication: each rank keeps its
 * part. Axes that `placements` does not name are `Replicate()`. `t` itself stays as it is.
 *
 * Backward: the gradient is gathered to where `t` was.
 *
 * @example
 * ```ts
 * const w = shard(tf.ones([4, 6]), mesh, { tp: Shard(1) }); // [4, 3] on each of 2 ranks
 * ```
 * @throws ContractError on an unknown axis, a dim that `t` does not have, or if `t` lives on another mesh.
 */
export function shard<Axes extends MeshAxes, T extends Tensor>(
  t: T,
  mesh: DeviceMesh<Axes>,
  placements: PlacementSpec<Axes>,
): T {
  const { layout } = shardedBackend("shard").recordOf(t);
  if (layout.mesh !== undefined && layout.mesh !== mesh) {
    throw new ContractError(
      `shard: tensor of shape [${t.shape.join(", ")}] must be on no mesh or on this one (${formatMesh(mesh)}), but it is on ${formatMesh(layout.mesh)}; use fromLocal(toLocal(full(t)), mesh, { ... }) to copy it over.`,
    );
  }
  const target = resolvePlacements("shard", mesh, placements, t);
  const from = placementsOn(layout, mesh);
  return runRedistribute(t, { mesh, placements: target, gradientPlacements: placementsOfGradient(from) });
}

/**
 * The same value in another layout. Axes that `placements` does not name stay as they are.
 *
 * Communication per axis of N ranks, S bytes whole: `Shard` to `Replicate` all-gather S(N-1)/N; `Partial` to
 * `Replicate` all-reduce 2S(N-1)/N; `Partial` to `Shard` reduce-scatter S(N-1)/N; `Shard(a)` to `Shard(b)` all-to-all
 * S(N-1)/N^2; from `Replicate` nothing. Backward: the gradient is moved back to the layout of `t` (replicated where
 * `t` is partial).
 *
 * @throws ContractError if `t` is on no mesh (use `shard`), on an unknown axis, or on a dim that `t` does not have.
 */
export function redistribute<T extends Tensor>(t: T, placements: PlacementSpec): T {
  const { layout } = shardedBackend("redistribute").recordOf(t);
  if (layout.mesh === undefined) {
    throw new ContractError(
      `redistribute: tensor of shape [${t.shape.join(", ")}] must be on a mesh; use shard(t, mesh, { ... }) first.`,
    );
  }
  const target = resolvePlacements("redistribute", layout.mesh, placements, t, layout.placements);
  return runRedistribute(t, {
    mesh: layout.mesh as DeviceMesh,
    placements: target,
    gradientPlacements: placementsOfGradient(layout.placements),
  });
}

/** The value whole on every rank: `redistribute` to `Replicate()` along every axis. */
export function full<T extends Tensor>(t: T): T {
  const { layout } = shardedBackend("full").recordOf(t);
  if (layout.mesh === undefined) return t.clone();
  return runRedistribute(t, {
    mesh: layout.mesh as DeviceMesh,
    placements: layout.placements.map(() => Replicate()),
    gradientPlacements: placementsOfGradient(layout.placements),
  });
}

/** How a tensor lies along every axis of its mesh; `{}` for a value that is the same on every rank and on no mesh. */
export function placementsOf(t: Tensor): Readonly<Record<string, Placement>> {
  const { layout } = shardedBackend("placementsOf").recordOf(t);
  return Object.fromEntries(
    layout.mesh?.axisNames.map((name, axis) => [name, layout.placements[axis]!]) ?? [],
  );
}

/** One rank's part of a sharded tensor, on the host. */
export interface LocalPart {
  readonly values: NumericArray;
  readonly shape: readonly number[];
  readonly dtype: DataType;
  /** Global index of the first element, per dim. */
  readonly offset: readonly number[];
}

/**
 * A copy of what this rank holds. No communication. Not differentiable.
 *
 * @throws ContractError if `t` holds strings or complex numbers.
 */
export function toLocal(t: Tensor): LocalPart {
  const backend = shardedBackend("toLocal");
  if (t.dtype === "string" || t.dtype === "complex64") {
    throw new ContractError(
      `toLocal: tensor of dtype ${t.dtype} must have a numeric dtype; use t.dataSync(), which every rank holds whole.`,
    );
  }
  const { layout, local } = backend.recordOf(t);
  const values = backend.door.engine.view(local).slice();
  return { values, shape: layout.localShape, dtype: layout.dtype, offset: layout.offset };
}

/**
 * A tensor made of what each rank holds. No communication. Not differentiable.
 *
 * `options.shape` is the global shape; without it the ranks must hold equal parts, and the dims that are split are
 * multiplied by the ranks that split them.
 *
 * @throws ContractError if the local shape is not the part of the global shape that this rank must hold.
 */
export function fromLocal<Axes extends MeshAxes>(
  local: { readonly values: NumericArray; readonly shape: readonly number[] },
  mesh: DeviceMesh<Axes>,
  placements: PlacementSpec<Axes>,
  options: { readonly shape?: readonly number[] } = {},
): Tensor {
  const backend = shardedBackend("fromLocal");
  const dtype = dtypeOf(local.values);
  if (local.values.length !== numElements(local.shape)) {
    throw new ContractError(
      `fromLocal: values (${local.values.length} elements) must fill the local shape [${local.shape.join(", ")}] (${numElements(local.shape)} elements); use the shape of this rank's part, not the global one.`,
    );
  }
  const resolved = resolvePlacements("fromLocal", mesh, placements, { shape: local.shape, dtype });
  const shape = options.shape ?? scaledUp(local.shape, resolved, mesh.shape);
  const region = regionOf(shape, resolved, mesh.shape, mesh.coordinate);
  if (region.shape.join() !== local.shape.join()) {
    throw new ContractError(
      `fromLocal: local shape [${local.shape.join(", ")}] must be [${region.shape.join(", ")}], rank ${mesh.world.rank}'s part of [${shape.join(", ")}]; use ceil(n / ranks) per rank, and options.shape where the parts are uneven.`,
    );
  }
  const info = backend.door.engine.create(local.shape, dtype, (out) => {
    out.set(local.values);
  });
  return tfEngine().makeTensorFromTensorInfo(backend.wrap(mesh, shape, resolved, info));
}

function dtypeOf(values: NumericArray): "float32" | "int32" | "bool" {
  if (values instanceof Float32Array) return "float32";
  return values instanceof Int32Array ? "int32" : "bool";
}

function scaledUp(
  shape: readonly number[],
  placements: readonly Placement[],
  meshShape: readonly number[],
): number[] {
  const scaled = [...shape];
  placements.forEach((placement, axis) => {
    if (placement.kind === "shard") scaled[placement.dim]! *= meshShape[axis]!;
  });
  return scaled;
}
