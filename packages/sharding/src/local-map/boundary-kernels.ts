/**
 * The way into local code and out of it, each the gradient of the other.
 *
 * ```
 *   ToLocal    global tensor in layout L   ->  what this rank holds of it, as a tensor of its own
 *   FromLocal  what this rank holds        ->  global tensor in layout L
 * ```
 *
 * Both share the local data. `ToLocal` first moves the value to L, which may communicate.
 *
 * @packageDocumentation
 */
import {
  engine as tfEngine,
  type GradConfig,
  type KernelConfig,
  type KernelFunc,
  type Tensor,
  type TensorInfo,
} from "@tensorflow/tfjs";
import { shardedBackend } from "../backend/current.ts";
import type { MeshLayout } from "../backend/layout-table.ts";
import { SHARDED, type ShardedBackend } from "../backend/sharded-backend.ts";
import { Replicate } from "../placement.ts";
import { localMeshOf } from "./local-mesh.ts";

const TO_LOCAL = "ToLocal";
const FROM_LOCAL = "FromLocal";

/** Layouts outside, of the value and of its gradient. */
export interface Boundary {
  readonly at: MeshLayout;
  readonly gradientAt: MeshLayout;
}

// tfjs' attributes are numbers and strings, so layouts travel by id.
// eslint-disable-next-line @typescript-eslint/consistent-type-definitions -- an interface does not fit NamedAttrMap
type BoundaryAttrs = { at: number; gradientAt: number };

/** This rank's part of `x`, once that lies as `at` says. */
export function runToLocal(x: Tensor, { at, gradientAt }: Boundary): Tensor {
  const attrs: BoundaryAttrs = { at: at.id, gradientAt: gradientAt.id };
  return tfEngine().runKernel<Tensor>(TO_LOCAL, { x }, attrs);
}

/** The global tensor whose part on this rank is `x`. */
export function runFromLocal(x: Tensor, { at, gradientAt }: Boundary): Tensor {
  const attrs: BoundaryAttrs = { at: at.id, gradientAt: gradientAt.id };
  return tfEngine().runKernel<Tensor>(FROM_LOCAL, { x }, attrs);
}

/** Registrations for the sharded backend. */
export const boundaryKernels: readonly KernelConfig[] = [
  { kernelName: TO_LOCAL, backendName: SHARDED, kernelFunc: toLocal },
  { kernelName: FROM_LOCAL, backendName: SHARDED, kernelFunc: fromLocal },
];

/** Registrations of the gradients. */
export const boundaryGradients: readonly GradConfig[] = [
  gradientOf(TO_LOCAL, runFromLocal),
  gradientOf(FROM_LOCAL, runToLocal),
];

function toLocal({ inputs, attrs, backend }: Parameters<KernelFunc>[0]): TensorInfo {
  const sharded = backend as ShardedBackend;
  const layout = sharded.layouts.meshLayout((attrs as BoundaryAttrs).at);
  const moved = sharded.redistribute(inputs.x!, layout);
  const { localShape, dtype } = layout;
  const view = sharded.viewAs(
    moved,
    sharded.layouts.on(localMeshOf(layout.mesh), localShape, dtype, [Replicate()]),
  );
  sharded.disposeData(moved.dataId);
  return view;
}

function fromLocal({ inputs, attrs, backend }: Parameters<KernelFunc>[0]): TensorInfo {
  const sharded = backend as ShardedBackend;
  const output = sharded.viewAs(inputs.x!, sharded.layouts.meshLayout((attrs as BoundaryAttrs).at));
  sharded.checkReplicas(output, "localMap");
  return output;
}

function gradientOf(kernelName: string, run: (dy: Tensor, boundary: Boundary) => Tensor): GradConfig {
  return {
    kernelName,
    gradFunc: (dy, _saved, attrs) => {
      const { layouts } = shardedBackend("localMap");
      const { at, gradientAt } = attrs as BoundaryAttrs;
      const value = layouts.meshLayout(at);
      const boundary = {
        at: layouts.meshLayout(gradientAt),
        gradientAt: layouts.on(value.mesh, value.shape, "float32", value.placements),
      };
      return { x: () => run(dy as Tensor, boundary) };
    },
  };
}
