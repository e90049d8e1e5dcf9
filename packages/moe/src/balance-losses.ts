/**
 * Losses that keep experts equally busy and logits small.
 *
 * Legend: T = tokens, E = experts, K = experts per token, c = coefficient.
 *
 * ```text
 * switch        c E sum_i f_i P_i      f_i = count_i / (T K)    P_i = mean over tokens of scores_ti
 * z             c mean_t (logsumexp_i logits_ti)^2
 * importance    c CV^2                 of importance_i = sum over tokens of the weights that go to expert i
 * ```
 *
 * All of them are formulas over *all* tokens, written in ordinary operations: on split rows each costs at most an
 * all-reduce of `[E]` and one of a number, and value and gradient are those of one rank. Nothing is scaled by the number
 * of ranks. All read the one-hot matrix of the choices that routing made.
 *
 * @packageDocumentation
 */
import { ContractError } from "@meshwright/core";
import { full } from "@meshwright/sharding";
import {
  div,
  getBackend,
  logSumExp,
  matMul,
  mean,
  mul,
  reshape,
  square,
  sub,
  sum,
  tidy,
  type Scalar,
  type Tensor,
  type Tensor2D,
} from "@tensorflow/tfjs";
import { assignment, type Routing } from "./choose-experts.ts";

/** Weight of a loss. */
export interface LossOptions {
  readonly coefficient: number;
}

/** What the losses read of a routing; without `assignment` they make it of `experts` anew. */
export type LossRouting<Name extends keyof Routing> = Pick<Routing, Name | "experts"> &
  Partial<Pick<Routing, "assignment">>;

/** What a switch loss counts. */
export interface SwitchLossOptions extends LossOptions {
  /**
   * float32 `[E]`: choices per expert over all micro-batches of the step so far, this one included. Default: those of
   * this batch.
   */
  readonly counts?: Tensor;
}

/**
 * How many choices fell on each expert, over all ranks.
 *
 * @param experts - int32 `[T, K]`
 * @returns float32 `[E]`, exact up to 2^24; a partial sum on split rows; the caller's scope owns it
 */
export function expertCounts(experts: Tensor, numExperts: number): Tensor {
  return tidy(() => sum(assignment(experts, numExperts), [0, 1]));
}

/**
 * `c E sum_i f_i P_i`: exactly `c` where choices and scores are uniform. Only `P` is differentiable.
 *
 * With `counts` of all micro-batches, the mean of the micro-batches' losses is the loss of the whole step.
 *
 * Communication: one all-reduce of `[E]`, the counts; none where `counts` are whole already. The loss itself stays a sum
 * of the ranks' parts until it is used.
 *
 * @returns a scalar, `Partial("sum")` on split rows; the caller's scope owns it
 * @throws ContractError if the coefficient is negative or not finite.
 * @see Fedus et al. 2021, "Switch Transformers", section 2.2, https://arxiv.org/abs/2101.03961
 */
export function switchLoss(
  routing: LossRouting<"scores">,
  { coefficient, counts }: SwitchLossOptions,
): Scalar {
  requireCoefficient("switchLoss", coefficient);
  return tidy(() => {
    const { scores } = routing;
    const numExperts = scores.shape[1]!;
    // Reduced before the product: value and gradient would each pay for it. The product goes over the scores of a token,
    // not over P, so that P need not be whole.
    const whole = wholeValue(counts ?? sum(assignmentOf(routing, numExperts), [0, 1]));
    const share = div(whole, counts === undefined ? routing.experts.size : sum(whole));
    const products = matMul(scores as Tensor2D, reshape(share, [numExperts, 1])); // [T, E] x [E, 1] -> [T, 1]
    return mul(mean(products), coefficient * numExperts);
  });
}

/**
 * The mean over sequences of each sequence's own switch loss.
 *
 * @param routing - tokens in order of (sequence, position)
 * @returns a scalar; the caller's scope owns it
 * @throws ContractError if the tokens are not `sequences` sequences of one length, or on a bad coefficient.
 * @see DeepSeek-AI 2024, "DeepSeek-V3", equations 17-20, https://arxiv.org/abs/2412.19437
 */
export function sequenceSwitchLoss(
  routing: LossRouting<"scores">,
  { coefficient, sequences }: LossOptions & { readonly sequences: number },
): Scalar {
  requireCoefficient("sequenceSwitchLoss", coefficient);
  const { scores, experts } = routing;
  const [numTokens, numExperts] = scores.shape as [number, number];
  if (!Number.isInteger(sequences) || sequences < 1 || numTokens % sequences !== 0) {
    throw new ContractError(
      `sequenceSwitchLoss: sequences (${sequences}) must divide the tokens (${numTokens}); use the batch size.`,
    );
  }
  return tidy(() => {
    const slots = experts.size / sequences;
    const chosen = assignmentOf(routing, numExperts).reshape([sequences, slots, numExperts]);
    const share = div(sum(chosen, 1), slots); // [B, E]
    const average = mean(scores.reshape([sequences, numTokens / sequences, numExperts]), 1); // [B, E]
    return mul(sum(mul(share, average)), (coefficient * numExperts) / sequences);
  });
}

/**
 * `c mean_t (logsumexp_i logits_ti)^2`: keeps the gate's logits small.
 *
 * @param logits - float32 `[T, E]`
 * @returns a scalar; the caller's scope owns it
 * @throws ContractError if the coefficient is negative or not finite.
 * @see Zoph et al. 2022, "ST-MoE", section 3.3, https://arxiv.org/abs/2202.08906
 */
export function zLoss(logits: Tensor, { coefficient }: LossOptions): Scalar {
  requireCoefficient("zLoss", coefficient);
  return tidy(() => mul(mean(square(logSumExp(logits, -1))), coefficient));
}

/**
 * `c var(importance) / mean(importance)^2`, with the variance over the E experts themselves (divided by E).
 *
 * @returns a scalar; the caller's scope owns it
 * @throws ContractError if the coefficient is negative or not finite.
 * @see Shazeer et al. 2017, section 4, https://arxiv.org/abs/1701.06538
 */
export function importanceLoss(
  routing: LossRouting<"weights" | "scores">,
  { coefficient }: LossOptions,
): Scalar {
  requireCoefficient("importanceLoss", coefficient);
  return tidy(() => {
    const { weights, scores } = routing;
    const slots = assignmentOf(routing, scores.shape[1]!); // [T, K, E]
    const importance = sum(mul(slots, weights.expandDims(-1)), [0, 1]); // [E]
    const average = mean(importance);
    const variance = mean(square(sub(importance, average)));
    return mul(div(variance, square(average)), coefficient);
  });
}

function assignmentOf({ experts, assignment: made }: LossRouting<"experts">, numExperts: number): Tensor {
  return made ?? assignment(experts, numExperts); // [T, K, E]
}

/** The sum over ranks, on every rank: an all-reduce where it is partial. */
function wholeValue(t: Tensor): Tensor {
  return getBackend() === "sharded" ? full(t) : t;
}

function requireCoefficient(where: string, coefficient: number): void {
  if (!(coefficient >= 0 && Number.isFinite(coefficient))) {
    throw new ContractError(
      `${where}: coefficient (${coefficient}) must be at least 0 and finite; use for example coefficient: 0.01.`,
    );
  }
}
