/**
 * What a rank knows of the choices before it moves a token: which experts, which of the choices are kept, how many there
 * are over all ranks.
 *
 * Legend: T = tokens of all ranks, t = of this rank's part, K = choices per token, E = experts.
 *
 * | what                              | communication                                                       |
 * | --------------------------------- | ------------------------------------------------------------------- |
 * | no capacity, or of each rank      | none                                                                |
 * | capacity over all ranks           | all-gather of `4 T K` bytes; by probability of the weights as well  |
 * | expert choice                     | see `planExpertChoice`                                              |
 * | load, without the line above      | all-reduce of `4 (E + 1)` bytes                                     |
 *
 * @packageDocumentation
 */
import { planCapacity, type CapacityPlanOptions } from "./capacity-plan.ts";
import { planExpertChoice } from "./expert-choice-plan.ts";
import type { Offer } from "./expert-choice.ts";
import { loadOf, sumOverRanks, type Load } from "./expert-load.ts";
import type { LayerCapacity } from "./moe-layer-options.ts";
import { rankRows } from "./rank-rows.ts";
import type { TokenChoices } from "./token-choices.ts";

/** Choices of the tokens that a rank sends, or of all that it gathers. */
export interface TokenPlan extends TokenChoices {
  /** 1 for each pair that is kept; undefined where nothing can be dropped. */
  readonly kept: Uint8Array | undefined;
  /** Rows of an expert per rank, where they are padded to it. */
  readonly paddedTo: number | undefined;
}

/** What decides a plan. */
export interface PlanOptions extends CapacityPlanOptions {
  readonly capacity: LayerCapacity | undefined;
  /** Experts per token on average, where the experts choose; undefined where the tokens do. */
  readonly expertChoice: { readonly topK: number } | undefined;
  readonly needsLoad: boolean;
}

/**
 * Reads the choices. A collective where the table above says so; every rank calls it.
 *
 * @throws ContractError if the tokens are split over a mesh that the layer does not know.
 */
export function planTokens(
  routing: Pick<Offer, "experts" | "weights" | "scores">,
  options: PlanOptions,
): { readonly plan: TokenPlan; readonly load: Load | undefined } {
  const { numExperts, capacity, expertChoice } = options;
  const [numTokens, topK] = routing.experts.shape as [number, number];
  const own = rankRows(routing.experts, options);
  const decided =
    expertChoice === undefined
      ? capacity && planCapacity(routing, capacity, { ...options, own })
      : planExpertChoice(routing, expertChoice);
  const part = own.shape[0] === numTokens ? own : rankRows(routing.experts, options, options.at);
  const plan: TokenPlan = {
    ...{ experts: part.values as Int32Array, numTokens: part.shape[0]!, topK, numExperts },
    kept: decided?.keptAt(part),
    paddedTo: capacity?.pad === true ? decided?.capacity : undefined,
  };
  if (!options.needsLoad) return { plan, load: undefined };
  const load =
    decided?.load ?? sumOverRanks(loadOf(own.values, decided?.ownKept, numExperts), options.parallel);
  return { plan, load };
}
