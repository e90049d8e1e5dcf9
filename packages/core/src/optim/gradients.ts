/**
 * Loss and gradients of a model's parameters.
 *
 * @packageDocumentation
 */
import { scalar, variableGrads, type Scalar, type Tensor } from "@tensorflow/tfjs";
import { vjp } from "../autograd/vjp.ts";
import { ContractError } from "../errors.ts";
import { namedParameters } from "../nn/module.ts";
import type { Parameter } from "../nn/parameter.ts";

/** Gradients by dotted parameter name. */
export type NamedGradients = ReadonlyMap<string, Tensor>;

/** Options of {@link gradients}. */
export interface GradientsOptions {
  /**
   * Sees each gradient as soon as it is final, while the backward pass goes on: last layers first, in the same order on
   * every rank. The gradient stays what it is, and is in the result; its layout may be changed in place, which is how
   * ZeRO-2 frees the whole gradient early. Not called for a parameter that is itself the loss.
   */
  readonly onGradient?: (name: string, gradient: Tensor) => void;
}

/** What {@link gradients} returns. */
export interface LossAndGradients {
  readonly loss: Scalar;
  readonly grads: NamedGradients;
}

/**
 * Runs `lossFn` once and differentiates it by every parameter below `model`.
 *
 * A parameter that the loss does not depend on has no entry. On the `sharded` backend a gradient may be a partial sum
 * or a shard; whoever uses it pays the reduction.
 *
 * @returns the loss and the gradients; the caller owns (disposes) all of them
 * @example
 * ```ts
 * const { loss, grads } = gradients(model, () => crossEntropy(model.apply(tokens), labels));
 * optimizer.step(grads);
 * tf.dispose([loss, ...grads.values()]);
 * ```
 * @throws ContractError if `model` has no parameters, one of them has no values yet, or the loss is no scalar.
 */
export function gradients(
  model: object,
  lossFn: () => Scalar,
  { onGradient }: GradientsOptions = {},
): LossAndGradients {
  const parameters = namedParameters(model);
  if (parameters.size === 0) {
    throw new ContractError(
      "gradients: model (0 parameters) must have at least one Parameter in its fields; use modules of this package or give your class an apply method.",
    );
  }
  return onGradient === undefined ? atOnce(parameters, lossFn) : oneByOne(parameters, lossFn, onGradient);
}

function atOnce(parameters: ReadonlyMap<string, Parameter>, lossFn: () => Scalar): LossAndGradients {
  const variables = [...parameters.values()].map((parameter) => parameter.variable);
  const { value, grads } = variableGrads(lossFn, variables);
  const named = new Map<string, Tensor>();
  for (const [name, parameter] of parameters) {
    const gradient = grads[parameter.variable.name];
    if (gradient !== undefined) named.set(name, gradient);
  }
  return { loss: value, grads: named };
}

function oneByOne(
  parameters: ReadonlyMap<string, Parameter>,
  lossFn: () => Scalar,
  onParameter: (name: string, gradient: Tensor) => void,
): LossAndGradients {
  const { value: loss, pullback } = vjp(lossFn, [], { parameters });
  const dy = scalar(1);
  try {
    if (loss.shape.length > 0) {
      throw new ContractError(
        `gradients: the loss (shape [${loss.shape.join(", ")}]) must be a scalar; use tf.mean or tf.sum of it.`,
      );
    }
    return { loss, grads: pullback.all(dy, { onParameter }).parameters };
  } catch (error) {
    pullback.dispose();
    loss.dispose();
    throw error;
  } finally {
    dy.dispose();
  }
}
