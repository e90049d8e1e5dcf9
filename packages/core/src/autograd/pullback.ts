/**
 * The backward half of a `vjp`.
 *
 * @packageDocumentation
 */
import { util, type Tensor } from "@tensorflow/tfjs";
import { ContractError } from "../errors.ts";
import type { NamedGradients } from "../optim/gradients.ts";
import { isRecording } from "./engine-tape.ts";
import type { GradientWalk, LeafGradients } from "./tape-node.ts";

/** One gradient per input of `f`; `undefined` for an integer input and for one that the value does not depend on. */
export type InputGradients = readonly (Tensor | undefined)[];

/** All gradients of a `vjp`. */
export interface VjpGradients {
  readonly inputs: InputGradients;
  /** By parameter name. A parameter that the value does not depend on has no entry. */
  readonly parameters: NamedGradients;
}

/** Options of {@link Pullback.all}. */
export interface PullbackOptions {
  /**
   * Sees the gradient of each parameter as soon as no other kernel can add to it, while the backward pass goes on; the
   * parameters come in the same order on every rank. The gradient stays the pullback's; its layout may be changed in
   * place. Not called for a parameter that is itself the value.
   */
  readonly onParameter?: (name: string, gradient: Tensor) => void;
}

/** What a `vjp` hands to its pullback. */
export interface PullbackParts {
  readonly walk: GradientWalk;
  readonly value: Pick<Tensor, "shape">;
  /** Per input of `f`, its position among the first leaves. */
  readonly inputLeaves: readonly (number | undefined)[];
  /** Names of the second leaves. */
  readonly parameterNames: readonly string[];
}

/**
 * `dy -> (dy · dvalue/dinputs, dy · dvalue/dparameters)`, once: with `all`, or with `inputs` now and `parameters` later.
 *
 * It owns what the forward pass saved, and frees it as the backward pass goes. The gradients that it returns belong to
 * the caller's scope. A pullback that is not wanted any more must be disposed.
 *
 * Communication: that of the gradients' own kernels, in the same order on every rank. On the `sharded` backend a
 * gradient may be a partial sum; whoever uses it pays the reduction, and one that is used by both steps is reduced once.
 */
export class Pullback {
  readonly #parts: PullbackParts;
  #stage: "whole" | "parameters are left" | "pulled back" | "failed" | "disposed" = "whole";

  /** Made by `vjp`. */
  constructor(parts: PullbackParts) {
    this.#parts = parts;
  }

  /**
   * Gradients of the inputs and of the parameters.
   *
   * @param dy - the gradient of the value: float32, of its shape. It stays the caller's.
   * @throws ContractError if `dy` does not fit, if the pullback was used or disposed, or where a tape records.
   */
  all(dy: Tensor, { onParameter }: PullbackOptions = {}): VjpGradients {
    this.#require("all", "whole", "call vjp again for another one");
    this.#requireLikeValue("all", dy);
    const { walk, parameterNames } = this.#parts;
    const onSecond =
      onParameter === undefined
        ? undefined
        : (leaf: number, gradient: Tensor | undefined): void => {
            if (gradient !== undefined) onParameter(parameterNames[leaf]!, gradient);
          };
    const { first, second } = this.#advance("pulled back", () => walk.all(dy, onSecond));
    return { inputs: this.#byInput(first), parameters: this.#byName(second) };
  }

  /**
   * Gradients of the inputs alone, so that the stage before can go on. What the parameters need stays alive: the output
   * gradients of the kernels that use a parameter, and what those kernels saved.
   *
   * A kernel whose gradient is one fused kernel for all its inputs (`LayerNormGrad`, `RMSNormGrad`) runs now, and the
   * parameters' part is kept; so does the recomputation of a `checkpoint`. Where no input can have a gradient (token ids),
   * nothing runs now, and all of it in `parameters`.
   *
   * @param dy - the gradient of the value: float32, of its shape. It stays the caller's.
   * @throws ContractError as `all`.
   */
  inputs(dy: Tensor): InputGradients {
    this.#require("inputs", "whole", "call vjp again for another one");
    this.#requireLikeValue("inputs", dy);
    return this.#byInput(this.#advance("parameters are left", () => this.#parts.walk.first(dy)));
  }

  /**
   * Gradients of the parameters, after `inputs`: those of `all`, bit for bit. Nothing that `inputs` computed is computed
   * again.
   *
   * @throws ContractError if `inputs` was not called before, or where a tape records.
   */
  parameters(): NamedGradients {
    this.#require("parameters", "parameters are left", "call pullback.inputs(dy) first, or pullback.all(dy)");
    return this.#byName(this.#advance("pulled back", () => this.#parts.walk.second()));
  }

  /** Frees everything without pulling back, for a step that is given up. Calling it again does nothing. */
  dispose(): void {
    this.#parts.walk.dispose();
    if (this.#stage === "whole" || this.#stage === "parameters are left") this.#stage = "disposed";
  }

  /** Tensors that it holds now, as `tf.memory().numTensors` counts them: zero after the pullback. */
  get numSaved(): number {
    return this.#parts.walk.held().length;
  }

  /**
   * Bytes of the activations that it holds now, each counted once and in its global shape; parameters do not count.
   * On the `sharded` backend, `localBytes(pullback.savedActivations())` gives this rank's.
   */
  get savedBytes(): number {
    let bytes = 0;
    for (const { size, dtype } of this.savedActivations()) bytes += size * util.bytesPerElement(dtype);
    return bytes;
  }

  /** A tensor per activation that it holds now, for counting. They stay the pullback's. */
  savedActivations(): readonly Tensor[] {
    return [...this.#parts.walk.activations().values()];
  }

  #require(method: string, stage: "whole" | "parameters are left", fix: string): void {
    if (this.#stage !== stage) {
      throw new ContractError(
        `Pullback.${method}: the pullback (${this.#stage}) must be used once: all(dy), or inputs(dy) and then parameters(); ${fix}.`,
      );
    }
    refuseRecording(`Pullback.${method}`);
  }

  #requireLikeValue(method: string, dy: Tensor): void {
    const { shape } = this.#parts.value;
    if (dy.dtype === "float32" && dy.shape.join() === shape.join()) return;
    throw new ContractError(
      `Pullback.${method}: dy (${dy.dtype}[${dy.shape.join(", ")}]) must be float32[${shape.join(", ")}], like the value; use the gradient that the value's user computed.`,
    );
  }

  #advance<R>(stage: "parameters are left" | "pulled back", step: () => R): R {
    this.#stage = "failed";
    const result = step();
    this.#stage = stage;
    return result;
  }

  #byInput(gradients: LeafGradients): InputGradients {
    return this.#parts.inputLeaves.map((leaf) => (leaf === undefined ? undefined : gradients[leaf]));
  }

  #byName(gradients: LeafGradients): NamedGradients {
    const named = new Map<string, Tensor>();
    this.#parts.parameterNames.forEach((name, i) => {
      const gradient = gradients[i];
      if (gradient !== undefined) named.set(name, gradient);
    });
    return named;
  }
}

/**
 * A pass over one tape is not recorded on another, so its result would have no gradient there.
 *
 * @throws ContractError where a tape records.
 */
export function refuseRecording(where: string): void {
  if (!isRecording()) return;
  throw new ContractError(
    `${where}: the call (inside a function that is being differentiated) must not lie inside tf.grad, tf.variableGrads, another vjp or checkpoint, because gradients of gradients are not recorded; use it outside, or checkpoint(f) inside.`,
  );
}
