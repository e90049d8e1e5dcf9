/**
 * A parameter of ZeRO-3: split at rest, whole while a kernel uses it.
 *
 * @packageDocumentation
 */
import type { ParameterShard } from "@meshwright/core";
import type { Tensor } from "@tensorflow/tfjs";
import { shardedBackend } from "../backend/current.ts";
import { moveLocal } from "../backend/mover.ts";
import type { DeviceMesh } from "../mesh.ts";
import { parameterShard } from "../parameter-shard.ts";
import type { ParameterPlacement } from "./parameter-placement.ts";

/**
 * What `Parameter.shard` becomes. Each rank draws only its own part when the parameter is initialized.
 *
 * Whatever the parameter is assigned is brought to the split layout in place: for free if it is whole.
 */
export function keptSplitShard(
  shape: readonly number[],
  mesh: DeviceMesh,
  { whole, split }: ParameterPlacement,
): ParameterShard {
  const spec = Object.fromEntries(mesh.axisNames.map((name, axis) => [name, split[axis]!]));
  return {
    ...parameterShard(shape, mesh, spec),
    settle: (value) => {
      keepSplit(value, mesh, { whole, split });
    },
  };
}

/** Keeps a tensor split from now on, and has kernels see it whole. */
export function keepSplit(value: Tensor, mesh: DeviceMesh, { whole, split }: ParameterPlacement): void {
  const backend = shardedBackend("DataParallel");
  const record = backend.recordOf(value);
  const kept = backend.layouts.on(mesh, value.shape, value.dtype, split);
  if (record.layout !== kept) {
    backend.replace(record, kept, moveLocal(record.local, record.layout, kept, backend.door));
  }
  record.usedAs = backend.layouts.on(mesh, value.shape, value.dtype, whole);
}

/** Has kernels see a tensor as it is kept. */
export function useAsKept(value: Tensor): void {
  shardedBackend("DataParallel").recordOf(value).usedAs = undefined;
}
