/**
 * What a tape holds: one node per kernel that ran, as tfjs writes it, and the one kind of node that this folder adds.
 *
 * @packageDocumentation
 */
import type { Tensor } from "@tensorflow/tfjs";

/** The gradient of each of a kernel's inputs, computed when called. */
export type GradientClosures = Readonly<Record<string, () => Tensor>>;

/** A kernel that ran: tensors are known by their ids, so that disposed ones may stay in `inputs` and `outputs`. */
export interface TapeNode {
  readonly kernelName: string;
  readonly inputs: Readonly<Record<string, Tensor>>;
  readonly outputs: readonly Tensor[];
  /** Clones that the gradient needs. Whoever holds the tape disposes them. */
  readonly saved: readonly Tensor[];
  /** Absent if the kernel has no gradient. tfjs calls it on a copy whose `inputs` are those whose gradient is wanted. */
  readonly gradient?: (this: WantedInputs, dys: readonly (Tensor | undefined)[]) => GradientClosures;
  /** Only on the node of a `checkpoint`: runs its function again and returns the walk over what was recorded. */
  readonly recompute?: (wanted: WantedNames) => GradientWalk;
}

/** The receiver of `gradient`. */
export interface WantedInputs {
  readonly inputs: Readonly<Record<string, unknown>>;
}

/** Names of a node's inputs whose gradients are wanted in the first pass, and in the second. */
export interface WantedNames {
  readonly first: readonly string[];
  readonly second: readonly string[];
}

/** Where tfjs writes nodes. It only ever calls `push`. */
export interface Tape {
  push(node: TapeNode): unknown;
}

/** Gradients per leaf, in the order of the leaves; `undefined` where the output does not depend on one. */
export type LeafGradients = readonly (Tensor | undefined)[];

/** Sees the gradient of a second leaf, if one arrived, as soon as no step can add to it. */
export type SecondLeafObserver = (leaf: number, gradient: Tensor | undefined) => void;

/**
 * A backward pass that can be made at once or in two steps. Results belong to the caller's scope; everything else is
 * freed as the walk passes it, and by `dispose`.
 */
export interface GradientWalk {
  /** Gradients of the first leaves; what the second need stays alive. */
  first(dy: Tensor): LeafGradients;
  /** Gradients of the second leaves; after `first`. */
  second(): LeafGradients;
  /** Both at once. */
  all(
    dy: Tensor,
    onSecond?: SecondLeafObserver,
  ): { readonly first: LeafGradients; readonly second: LeafGradients };
  /** Frees what is held. Calling it again does nothing. */
  dispose(): void;
  /** The tensors that are held now. */
  held(): readonly Tensor[];
  /** One held tensor for each activation that is held, by the id of the tensor that it is a view of. */
  activations(): ReadonlyMap<number, Tensor>;
}

/** Whether a tensor can have a gradient: integers, booleans and strings have none. */
export function carriesGradient({ dtype }: Pick<Tensor, "dtype">): boolean {
  return dtype === "float32" || dtype === "complex64";
}
