/**
 * Expert-choice routing: every expert takes the tokens that want it most.
 *
 * Legend: T = tokens, E = experts, C = capacity, tokens per expert.
 *
 * @packageDocumentation
 */
import { ContractError } from "@meshwright/core";
import {
  add,
  gather,
  mul,
  range,
  softmax,
  tensor2d,
  tidy,
  topk,
  transpose,
  type Tensor,
} from "@tensorflow/tfjs";
import type { Routing } from "./choose-experts.ts";
import { detach } from "./detach.ts";
import { alongRows } from "./forced-balance.ts";

/** What the experts chose. Whoever asked owns (disposes) the tensors. */
export interface ExpertChoice {
  /** int32 `[E, C]`: each expert's tokens, larger scores first, among equal ones the earlier token. */
  readonly tokens: Tensor;
  /** float32 `[E, C]`: the scores of those tokens. Differentiable. */
  readonly weights: Tensor;
  /** float32 `[T, E]`: softmax over the experts. Differentiable. */
  readonly scores: Tensor;
}

/**
 * `scores = softmax(logits)`; expert `e` takes the C tokens with the largest `scores[., e]`. All experts are equally
 * busy; a token may have none or all of them.
 *
 * An expert compares a token with later ones of its batch, so a causal language model sees ahead: for training of
 * encoders, or as a bound to compare with.
 *
 * | tensor              | global shape | placements                 |
 * | ------------------- | ------------ | -------------------------- |
 * | `logits`, `scores`  | `[T, E]`     | any; rows may be split     |
 * | `tokens`, `weights` | `[E, C]`     | as the planner chooses     |
 *
 * Communication, with rows split over p ranks and S bytes of scores: as a rule one all-to-all S(p-1)/p^2, so that each
 * rank chooses for its own experts, and one all-gather S(p-1)/p of the scores for the weights.
 *
 * @returns new tensors; the caller's scope owns them
 * @example
 * ```ts
 * const { tokens } = chooseTokens(logits, { capacity: 2 }); // logits [6, 3] -> tokens [3, 2]
 * ```
 * @throws ContractError if the capacity is not an integer from 1 to T.
 * @see Zhou et al. 2022, "Mixture-of-experts with expert choice routing", section 3.2, https://arxiv.org/abs/2202.09368
 */
export function chooseTokens(logits: Tensor, { capacity }: { readonly capacity: number }): ExpertChoice {
  const [numTokens, numExperts] = logits.shape as [number, number];
  if (!Number.isInteger(capacity) || capacity < 1 || capacity > numTokens) {
    throw new ContractError(
      `chooseTokens: capacity (${capacity}) must be an integer from 1 to the tokens (${numTokens}); use Math.ceil(tokens / experts).`,
    );
  }
  return tidy(() => {
    const scores = softmax(logits);
    const tokens = bestTokens(scores, capacity);
    // Element (t, e) stands at t E + e.
    const at = add(mul(tokens, numExperts), range(0, numExperts, 1, "int32").expandDims(-1));
    return { tokens, weights: gather(scores.reshape([-1]), at.toInt()), scores };
  });
}

/** The tokens of each expert: int32 `[E, C]` of scores `[T, E]`, in the order of `ExpertChoice.tokens`. */
export function bestTokens(scores: Tensor, capacity: number): Tensor {
  return tidy(() => topk(transpose(detach(scores)), capacity).indices);
}

/** What experts choose from: a {@link Routing} in which every token goes to every expert, K = E. */
export type Offer = Omit<Routing, "assignment">;

/**
 * Offers every token to every expert; `planExpertChoice` says which of them the experts take. No communication.
 *
 * @param logits - finite float32 `[T, E]`
 * @returns new tensors with the rows of `logits`; the caller's scope owns them
 */
export function offerTokens(logits: Tensor, { scalingFactor }: { readonly scalingFactor: number }): Offer {
  const [numTokens, numExperts] = logits.shape as [number, number];
  return tidy(() => {
    const scores = softmax(logits);
    const all = Int32Array.from({ length: numTokens * numExperts }, (_, pair) => pair % numExperts);
    return {
      experts: alongRows(tensor2d(all, [numTokens, numExperts], "int32"), logits),
      weights: scalingFactor === 1 ? scores.clone() : mul(scores, scalingFactor),
      logits: logits.clone(),
      scores,
    };
  });
}
