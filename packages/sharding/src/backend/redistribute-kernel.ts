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
import { SHARDED, type ShardedBackend } from "./sharded-backend.ts";

/** Attributes of the kernel. */
export interface RedistributeAttrs {
  readonly mesh: DeviceMesh;
  readonly placements: readonly Placement[];
  /** Where the gradient goes. */
  readonly gradientPlacements: readonly Placement[];
}

/** Name of the kernel. */
export const REDISTRIBUTE = "Redistribute";

/** Differentiable; the result is a new tensor. */
export function runRedistribute(x: Tensor, attrs: RedistributeAttrs): Tensor {
  return tfEngine().runKernel(REDISTRIBUTE, { x }, attrs as unknown as Record<string, never>);
}

/** Where the gradient of a tensor with these placements belongs. */
export function gradientPlacements(placements: readonly Placement[]): Placement[] {
  return placements.map((placement) => (placement.kind === "partial" ? Replicate() : placement));
}

/** Registration for the sharded backend. */
export const redistributeKernel: KernelConfig = {
  kernelName: REDISTRIBUTE,
  backendName: SHARDED,
  kernelFunc: ({ inputs, attrs, backend }) => {
    const { mesh, placements } = attrs as unknown as RedistributeAttrs;
    return (backend as ShardedBackend).redistribute(inputs.x!, mesh, placements);
  },
};

/** Registration of the gradient. */
export const redistributeGradient: GradConfig = {
  kernelName: REDISTRIBUTE,
  gradFunc: (dy, _saved, attrs) => {
    const { mesh, placements, gradientPlacements: back } = attrs as unknown as RedistributeAttrs;
    return {
      x: () =>
        runRedistribute(dy as Tensor, {
          mesh,
          placements: back,
          gradientPlacements: gradientPlacements(placements),
        }),
    };
  },
};
