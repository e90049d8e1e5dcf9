/**
 * Moves a module's input and output: a plan's activations.
 *
 * @packageDocumentation
 */
import type { Module } from "@meshwright/core";
import { tidy, type Tensor } from "@tensorflow/tfjs";
import { shardedBackend } from "../backend/current.ts";
import type { DeviceMesh } from "../mesh.ts";
import type { PlacementSpec } from "../placement-spec.ts";
import { redistribute, shard } from "../sharded-tensor.ts";

/** Where an input and an output go. */
export interface ActivationPlacements {
  readonly input?: PlacementSpec;
  readonly output?: PlacementSpec;
}

/** Marks an `apply` made here with the one that it wraps, so that a second plan replaces the first. */
const WRAPPED = Symbol("wrapped apply");

type Apply = ((x: Tensor, ...rest: never[]) => Tensor) & { [WRAPPED]?: Apply };

/**
 * Gives the module an `apply` that moves its first argument, calls the module's own, and moves the result.
 *
 * Communication: what `redistribute` costs, forward, and of the gradient in the other direction, backward.
 */
export function wrapApply(module: Module, mesh: DeviceMesh, { input, output }: ActivationPlacements): void {
  const own = ownApply(module);
  const apply: Apply = (x: Tensor, ...rest: never[]) =>
    tidy(() => {
      const y = own.call(module, input === undefined ? x : place(x, mesh, input), ...rest);
      return output === undefined ? y : place(y, mesh, output);
    });
  apply[WRAPPED] = own;
  // Not enumerable: a module's fields are its parameters and sub-modules.
  Object.defineProperty(module, "apply", { value: apply, configurable: true, writable: true });
}

/** Takes away what `wrapApply` put around the module. */
export function unwrapApply(module: Module): void {
  if (ownApply(module) !== Reflect.get(module, "apply")) Reflect.deleteProperty(module, "apply");
}

/** The tensor laid out as asked; on no mesh yet, it counts as replicated. */
export function place<T extends Tensor>(x: T, mesh: DeviceMesh, placements: PlacementSpec): T {
  const { layout } = shardedBackend("parallelize").recordOf(x);
  return layout.mesh === undefined ? shard(x, mesh, placements) : redistribute(x, placements);
}

function ownApply(module: Module): Apply {
  const apply = Reflect.get(module, "apply") as Apply;
  return apply[WRAPPED] ?? apply;
}
