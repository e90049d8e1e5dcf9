/**
 * Clipping gradients by their global norm.
 *
 * @packageDocumentation
 */
import {
  add,
  addN,
  div,
  minimum,
  mul,
  sqrt,
  square,
  sum,
  tidy,
  type Scalar,
  type Tensor,
} from "@tensorflow/tfjs";
import { ContractError } from "../errors.ts";
import type { NamedGradients } from "./gradients.ts";

/** Added to the norm before dividing by it, as `torch.nn.utils.clip_grad_norm_` does. */
const EPSILON = 1e-6;

/**
 * `norm = sqrt(sum over all gradients of g^2)`; every gradient is multiplied by `min(1, maxNorm / (norm + 1e-6))`.
 *
 * The norm stays a tensor: nothing is read back to the host. On the `sharded` backend each sum of squares is a partial
 * scalar; they are added before anything non-linear happens, so one all-reduce of 4 bytes per mesh axis is all.
 * A gradient that is infinite or NaN makes the norm and all clipped gradients so; check `norm` where that can happen.
 *
 * @returns `norm`, the norm before clipping, and new gradients; the caller owns these and still owns the old ones
 * @throws ContractError if `maxNorm` is not positive or there are no gradients.
 * @see Pascanu, Mikolov, Bengio 2013, "On the difficulty of training recurrent neural networks", section 3.2,
 * https://arxiv.org/abs/1211.5063
 */
export function clipGradNorm(
  grads: NamedGradients,
  maxNorm: number,
): { readonly norm: Scalar; readonly grads: NamedGradients } {
  if (!(maxNorm > 0)) {
    throw new ContractError(`clipGradNorm: maxNorm (${maxNorm}) must be positive; use for example 1.`);
  }
  const norm = globalNorm(grads);
  const factor = tidy(() => minimum(div(maxNorm, add(norm, EPSILON)), 1));
  const clipped = new Map<string, Tensor>();
  for (const [name, gradient] of grads) clipped.set(name, mul(gradient, factor));
  factor.dispose();
  return { norm, grads: clipped };
}

/**
 * The Euclidean norm of all gradients taken as one vector.
 *
 * @returns a scalar that the caller owns
 * @throws ContractError if there are no gradients.
 */
export function globalNorm(grads: NamedGradients): Scalar {
  if (grads.size === 0) {
    throw new ContractError(
      "globalNorm: grads (0 entries) must hold at least one gradient; use gradients(...).",
    );
  }
  return tidy(() => {
    const squares = [...grads.values()].map((gradient) => sum<Scalar>(square(gradient)));
    return sqrt<Scalar>(addN(squares));
  });
}
