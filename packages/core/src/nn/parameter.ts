/**
 * A trainable tensor that is described first and filled later.
 *
 * A model is built without allocating anything; `initialize` then fills every parameter from (seed, dotted name,
 * global index), so the values do not depend on how the parameter is split.
 *
 * @packageDocumentation
 */
import { variable, type Tensor, type Variable } from "@tensorflow/tfjs";
import { ContractError } from "../errors.ts";

/** The part of a parameter that this rank holds. Dense parameters have none. */
export interface ParameterShard {
  /** Shape on this rank. */
  readonly localShape: readonly number[];
  /** Global index of the first local element, per dim. */
  readonly offset: readonly number[];
  /** A tensor of the global shape whose local part (`localShape`, row-major) is `values`. The caller owns it. */
  fromLocal(values: Float32Array): Tensor;
  /** The local values of a tensor of the global shape, as host data. */
  readLocal(value: Tensor): Float32Array;
  /** All values in global order. A collective where the parameter is split. */
  readFull(value: Tensor): Float32Array;
  /**
   * Sees every value that the parameter gets, before it becomes the variable's: brings it to the layout of the parameter,
   * in place. Without it values stay as they are.
   */
  settle?(value: Tensor): void;
}

/** How a parameter's initial values are drawn. `uniform` is in `[-bound, bound)`. */
export type Initializer =
  | { readonly kind: "zeros" }
  | { readonly kind: "ones" }
  | { readonly kind: "normal"; readonly std: number }
  | { readonly kind: "uniform"; readonly bound: number };

/** A trainable tensor of a module. */
export class Parameter {
  readonly shape: readonly number[];
  readonly initializer: Initializer;
  /** Set by a parallel layer or a plan, before `initialize`. */
  shard: ParameterShard | undefined;
  #variable: Variable | undefined;

  constructor(options: {
    readonly shape: readonly number[];
    readonly initializer: Initializer;
    readonly shard?: ParameterShard;
  }) {
    for (const size of options.shape) {
      if (!Number.isInteger(size) || size < 1) {
        throw new ContractError(
          `Parameter: shape ([${options.shape.join(", ")}]) must hold positive integers; check the layer's sizes.`,
        );
      }
    }
    this.shape = options.shape;
    this.initializer = options.initializer;
    this.shard = options.shard;
  }

  /** Whether values exist yet. */
  get isInitialized(): boolean {
    return this.#variable !== undefined;
  }

  /** The tfjs variable; what optimizers and `tf.variableGrads` work on. */
  get variable(): Variable {
    if (this.#variable === undefined) {
      throw new ContractError(
        `Parameter: a parameter of shape [${this.shape.join(", ")}] has no values yet; call initialize(model, { seed }) first.`,
      );
    }
    return this.#variable;
  }

  /** Sets the values, taking ownership of `value` (shape: the parameter's global shape). */
  assign(value: Tensor): void {
    if (value.shape.join() !== this.shape.join()) {
      throw new ContractError(
        `Parameter.assign: value of shape [${value.shape.join(", ")}] must have the parameter's shape [${this.shape.join(", ")}].`,
      );
    }
    this.shard?.settle?.(value);
    if (this.#variable === undefined) this.#variable = variable(value, true);
    else this.#variable.assign(value);
    value.dispose();
  }

  /** Frees the values; the parameter can be filled again. */
  dispose(): void {
    this.#variable?.dispose();
    this.#variable = undefined;
  }
}
