/**
 * Which experts each token goes to, and with what weight.
 *
 * Legend: T = tokens, E = experts, K = experts per token.
 *
 * ```text
 * score function   order         scores s [T, E]   weights of the chosen                  known from
 * softmax          chooseFirst   softmax(logits)   softmax over the K chosen logits       Megatron-Core, Mixtral
 * softmax          scoreFirst    softmax(logits)   s, or s / sum of the K if renormalised Switch, DeepSeek-V2, OLMoE
 * sigmoid          (no choice)   sigmoid(logits)   s / (sum of the K + 1e-20), or s       DeepSeek-V3
 * ```
 *
 * All weights are then multiplied by the scaling factor. A bias and a limit of groups change the choice only.
 *
 * @packageDocumentation
 */
import {
  add,
  cast,
  div,
  equal,
  mul,
  oneHot,
  sigmoid,
  softmax,
  sum,
  tidy,
  topk,
  type Tensor,
} from "@tensorflow/tfjs";
import { detach } from "./detach.ts";
import { withinTopGroups } from "./group-limit.ts";
import type { Choice } from "./router-options.ts";

/** Keeps a sum of sigmoids that all underflowed from dividing by zero; DeepSeek-V3's and Megatron's constant. */
const EPSILON = 1e-20;

/** What routing decides for T tokens. Whoever asked owns (disposes) the tensors. */
export interface Routing {
  /** int32 `[T, K]`: larger scores first, among equal ones the lower expert. */
  readonly experts: Tensor;
  /** float32 `[T, K]`: by what the output of each chosen expert is multiplied. Differentiable. */
  readonly weights: Tensor;
  /** float32 `[T, K, E]`: 1 where slot k of token t is expert e; the losses share it. */
  readonly assignment: Tensor;
  /** float32 `[T, E]`. Differentiable. */
  readonly logits: Tensor;
  /** float32 `[T, E]`: a token's share for each expert; every row sums to 1 (sigmoids too). What losses average. */
  readonly scores: Tensor;
}

/** What else decides. */
export interface ChooseOptions {
  /** `[E]`: added to the scores for the choice, not for the weights. */
  readonly bias?: Tensor | undefined;
  /** int32 `[T, K]`: experts that are chosen already; only their weights are wanted. */
  readonly experts?: Tensor | undefined;
}

/**
 * Chooses K experts for every token from its logits.
 *
 * | tensor               | global shape | placements                                   |
 * | -------------------- | ------------ | -------------------------------------------- |
 * | `logits`             | `[T, E]`     | any; split rows stay split, uneven or empty  |
 * | `experts`, `weights` | `[T, K]`     | the rows of `logits`                         |
 * | `scores`             | `[T, E]`     | those of `logits`                            |
 * | `assignment`         | `[T, K, E]`  | the rows of `logits`                         |
 *
 * Communication: none on split rows. Backward: exact, by way of `weights` and `scores`; nothing flows through the choice.
 *
 * @param logits - finite; a `Router` checks its own
 * @returns new tensors (`logits` is a clone); the caller's scope owns them
 * @see Shazeer et al. 2017, https://arxiv.org/abs/1701.06538; DeepSeek-AI 2024, "DeepSeek-V3", section 2.1.2,
 * https://arxiv.org/abs/2412.19437
 */
export function chooseExperts(
  logits: Tensor,
  choice: Choice,
  { bias, experts: given }: ChooseOptions = {},
): Routing {
  return tidy(() => {
    const isSoftmax = choice.scoreFunction === "softmax";
    const shares = isSoftmax ? softmax(logits) : sigmoid(logits);
    const ranked = choice.order === "chooseFirst" ? logits : shares;
    const experts = given?.clone() ?? bestExperts(ranked, choice, bias);
    const hot = assignment(experts, choice.numExperts);
    return {
      experts,
      assignment: hot,
      weights: weigh(chosen(ranked, hot), choice),
      logits: logits.clone(),
      scores: isSoftmax ? shares : perRow(shares),
    };
  });
}

/**
 * `values[t, experts[t, k]]`, with an exact gradient.
 *
 * @param values - float32 `[T, E]`, finite
 * @param hot - the experts' `assignment`, `[T, K, E]`
 * @returns `[T, K]`; the caller's scope owns it
 */
export function chosen(values: Tensor, hot: Tensor): Tensor {
  // A product with ones and zeros is exact, and unlike a gather of single elements it keeps split rows local.
  return tidy(() => {
    const [numTokens, numExperts] = values.shape as [number, number];
    const picked = mul(hot, values.reshape([numTokens, 1, numExperts]));
    return sum(picked, -1); // [T, K, E] x [T, 1, E] -> [T, K]
  });
}

/** float32 `[T, K, E]`: 1 where slot k of token t is expert e. */
export function assignment(experts: Tensor, numExperts: number): Tensor {
  return tidy(() => {
    // tfjs refuses a one-hot matrix of one column.
    const hot = numExperts === 1 ? equal(experts.expandDims(-1), 0) : oneHot(experts, numExperts);
    return cast(hot, "float32");
  });
}

function bestExperts(ranked: Tensor, choice: Choice, bias: Tensor | undefined): Tensor {
  const fixed = detach(ranked);
  const biased = bias === undefined ? fixed : add(fixed, detach(bias));
  const { groups, topK } = choice;
  const allowed = groups === undefined ? biased : withinTopGroups(biased, groups);
  return topk(allowed, topK).indices;
}

function perRow(values: Tensor): Tensor {
  return div(values, add(sum(values, -1, true), EPSILON));
}

function weigh(values: Tensor, { order, renormalize, scalingFactor }: Choice): Tensor {
  const shares = order === "chooseFirst" ? softmax(values) : values;
  const weights = renormalize ? perRow(shares) : shares;
  return scalingFactor === 1 ? weights : mul(weights, scalingFactor);
}
