/**
 * The weights of choices after some were dropped.
 *
 * Legend: T = tokens, K = choices per token, m = 1 for kept choices and 0 for dropped ones.
 *
 * ```text
 * plain          w' = w m
 * renormalised   w' = w m * sum_j(w) / sum_j(w m)      0 for a token that has lost all
 * ```
 *
 * | framework | after the drop                                                         |
 * | --------- | ---------------------------------------------------------------------- |
 * | Megatron  | plain                                                                  |
 * | Tutel     | plain: it normalises before the drop                                   |
 * | DeepSpeed | top-2: kept weights are divided by their sum; top-1: plain             |
 *
 * Renormalised weights keep the token's sum, scaling factors included; where the K weights sum to 1 that is DeepSpeed's.
 *
 * @packageDocumentation
 */
import { ContractError } from "@meshwright/core";
import { add, div, mul, sum, tensor, tidy, type Tensor } from "@tensorflow/tfjs";

/**
 * Weights with 0 for dropped choices, optionally with the rest scaled up to the token's sum before the drop.
 *
 * @param weights - `[T, K]` float32
 * @param kept - `[T * K]`, from `keepWithinCapacity`
 * @returns `[T, K]`; the caller's scope owns it
 * @throws ContractError if `kept` does not say of every weight whether it is kept.
 * @example
 * ```ts
 * const weights = tf.tensor2d([[0.75, 0.25]]);
 * keptWeights(weights, Uint8Array.of(1, 0), { renormalize: true }); // [[1, 0]]
 * ```
 */
export function keptWeights(
  weights: Tensor,
  kept: Uint8Array,
  { renormalize = false }: { readonly renormalize?: boolean } = {},
): Tensor {
  if (weights.rank !== 2 || weights.size !== kept.length) {
    throw new ContractError(
      `keptWeights: kept (length ${kept.length}) must say of every weight (shape [${weights.shape.join(", ")}]) whether it is kept; use keepWithinCapacity of the same choices.`,
    );
  }
  if (kept.length === 0) return weights.clone();
  return tidy(() => {
    const [numTokens, topK] = weights.shape as [number, number];
    const masked = mul(weights, tensor(Float32Array.from(kept), [numTokens, topK]));
    if (!renormalize) return masked;
    // 1 keeps a token that has lost all from dividing by zero; its weights are 0 either way.
    const lost = tensor(lostAll(kept, topK), [numTokens, 1]);
    return mul(masked, div(sum(weights, 1, true), add(sum(masked, 1, true), lost)));
  });
}

function lostAll(kept: Uint8Array, topK: number): Float32Array {
  return Float32Array.from({ length: kept.length / topK }, (_, token) =>
    kept.subarray(token * topK, (token + 1) * topK).includes(1) ? 0 : 1,
  );
}
