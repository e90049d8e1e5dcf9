/**
 * Which of the tokens offered to it each expert of a layer takes.
 *
 * Legend: T = tokens of all ranks, E = experts, K = experts per token on average, C = tokens per expert.
 *
 * @packageDocumentation
 */
import type { Tensor } from "@tensorflow/tfjs";
import type { CapacityPlan } from "./capacity-plan.ts";
import { expertCapacity } from "./capacity.ts";
import { bestTokens, type Offer } from "./expert-choice.ts";
import { wholeValues } from "./rank-rows.ts";

/**
 * Every expert takes its `C = min(T, ceil(T K / E))` best tokens of all ranks: the load is even, nothing is dropped.
 *
 * Communication, with rows split over p ranks: as a rule one all-to-all of `4 T E (p - 1) / p^2` bytes of scores, and one
 * all-gather of `4 E C (p - 1) / p` bytes of choices.
 */
export function planExpertChoice(
  { scores }: Pick<Offer, "scores">,
  { topK }: { readonly topK: number },
): CapacityPlan {
  const [numTokens, numExperts] = scores.shape as [number, number];
  const sizes = { tokens: numTokens, topK, experts: numExperts, factor: 1 };
  const capacity = Math.min(numTokens, expertCapacity(sizes));
  const chosen = numTokens === 0 ? new Int32Array() : takenTokens(scores, capacity);
  const kept = new Uint8Array(numTokens * numExperts);
  chosen.forEach((token, slot) => (kept[token * numExperts + Math.floor(slot / capacity)] = 1));
  return {
    capacity,
    keptAt: ({ first, shape }) => kept.slice(first * numExperts, (first + shape[0]!) * numExperts),
    load: { counts: new Int32Array(numExperts).fill(capacity), dropped: 0 },
  };
}

/** The tokens of expert after expert, `[E C]`, on every rank. */
function takenTokens(scores: Tensor, capacity: number): Int32Array {
  const tokens = bestTokens(scores, capacity);
  const values = wholeValues(tokens) as Int32Array;
  tokens.dispose();
  return values;
}
