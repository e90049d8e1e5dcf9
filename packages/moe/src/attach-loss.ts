/**
 * Attaches an auxiliary loss to a value that is handed on.
 *
 * ```text
 * forward    y = x                    the loss adds nothing to the value
 * backward   dx = dy, dloss = scale   as if scale * loss had been added to the final loss
 * ```
 *
 * A layer can thus have a loss of its own without its model, or the stage of a pipeline that it is in, passing it on.
 *
 * @packageDocumentation
 */
import { customGrad, scalar, type Scalar, type Tensor } from "@tensorflow/tfjs";

/**
 * `x`, with a loss attached: whoever differentiates something that depends on the result by something that the loss
 * depends on gets the gradient of `scale * loss` too. Communication: none.
 *
 * The gradient of a final loss of 1 is assumed: where the final loss is scaled (a micro-batch's share), `scale` is that
 * factor; see `setLossScale`.
 *
 * @param loss - a scalar, in any placement
 * @returns a new tensor with the value and placements of `x`; the caller's scope owns it
 * @example
 * ```ts
 * const y = attachLoss(x, switchLoss(routing, { coefficient: 0.01 }));
 * ```
 * @see Megatron-Core, `MoEAuxLossAutoScaler`, https://github.com/NVIDIA/Megatron-LM
 */
export function attachLoss<T extends Tensor>(x: T, loss: Scalar, scale = 1): T {
  return customGrad((value) => ({
    value: (value as T).clone(),
    gradFunc: (dy: T) => [dy.clone(), scalar(scale)],
  }))(x, loss);
}
