/**
 * The kernel behind `shard`, `redistribute` and `full`, and its gradient.
 *
 * In the global view it is the identity. Its gradient is moved back to where the input was, so that a gather's backward
 * is a reduce-scatter; where the input was partial the gradient becomes replicated.
 *
 * @packageDocumentation
 */
import { engine as tfEngine, type GradConfig, type KernelConfig, type Tensor } from "@tensorflow/tfjs";
import type { DeviceMesh } from "../mesh.ts";
import { Replicate, type Placement } from "../placement.ts";
import { shardedBackend } from "./current.ts";
import { SHARDED, type ShardedBackend } from "./sharded-backend.ts";

/** Where a value goes, and where its gradient goes. */
export interface Destination {
  readonly mesh: DeviceMesh;
  readonly placements: readonly Placement[];
  readonly gradientPlacements: readonly Placement[];
}

/** Name of the kernel. */
export const REDISTRIBUTE = "Redistribute";

// tfjs' attributes are numbers and strings, so layouts travel by id.
// eslint-disable-next-line @typescript-eslint/consistent-type-definitions -- an interface does not fit NamedAttrMap
type RedistributeAttrs = { to: number; gradientTo: number };

/** Differentiable; the result is a new tensor. */
export function runRedistribute<T extends Tensor>(
  x: T,
  { mesh, placements, gradientPlacements }: Destination,
): T {
  const { layouts } = shardedBackend("redistribute");
  const attrs: RedistributeAttrs = {
    to: layouts.on(mesh, x.shape, x.dtype, placements).id,
    gradientTo: layouts.on(mesh, x.shape, "float32", gradientPlacements).id,
  };
  return tfEngine().runKernel<T>(REDISTRIBUTE, { x }, attrs);
}

/** Where the gradient of a tensor with these placements belongs. */
export function placementsOfGradient(placements: readonly Placement[]): Placement[] {
  return placements.map((placement) => (placement.kind === "partial" ? Replicate() : placement));
}

/** Registration for the sharded backend. */
export const redistributeKernel: KernelConfig = {
  kernelName: REDISTRIBUTE,
  backendName: SHARDED,
  kernelFunc: ({ inputs, attrs, backend }) => {
    const sharded = backend as ShardedBackend;
    return sharded.redistribute(inputs.x!, sharded.layouts.meshLayout((attrs as RedistributeAttrs).to));
  },
};

/** Registration of the gradient. */
export const redistributeGradient: GradConfig = {
  kernelName: REDISTRIBUTE,
  gradFunc: (dy, _saved, attrs) => {
    const { to, gradientTo } = attrs as RedistributeAttrs;
    const { layouts } = shardedBackend("redistribute");
    const { mesh, placements } = layouts.meshLayout(gradientTo);
    const gradientPlacements = placementsOfGradient(layouts.meshLayout(to).placements);
    return { x: () => runRedistribute(dy as Tensor, { mesh, placements, gradientPlacements }) };
  },
};
