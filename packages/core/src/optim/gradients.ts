/**
 * Loss and gradients of a model's parameters.
 *
 * @packageDocumentation
 */
import { variableGrads, type Scalar, type Tensor } from "@tensorflow/tfjs";
import { ContractError } from "../errors.ts";
import { namedParameters } from "../nn/module.ts";

/** Gradients by dotted parameter name. */
export type NamedGradients = ReadonlyMap<string, Tensor>;

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
 * @throws ContractError if `model` has no parameters or one of them has no values yet.
 */
export function gradients(
  model: object,
  lossFn: () => Scalar,
): { readonly loss: Scalar; readonly grads: NamedGradients } {
  const parameters = namedParameters(model);
  if (parameters.size === 0) {
    throw new ContractError(
      "gradients: model (0 parameters) must have at least one Parameter in its fields; use modules of this package or give your class an apply method.",
    );
  }
  const variables = [...parameters.values()].map((parameter) => parameter.variable);
  const { value, grads } = variableGrads(lossFn, variables);
  const named = new Map<string, Tensor>();
  for (const [name, parameter] of parameters) {
    const gradient = grads[parameter.variable.name];
    if (gradient !== undefined) named.set(name, gradient);
  }
  return { loss: value, grads: named };
}
