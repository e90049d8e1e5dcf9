/**
 * How many tokens an expert takes at most.
 *
 * Legend: T = tokens, K = choices per token, E = experts, f = capacity factor.
 *
 * | framework | capacity                                            |
 * | --------- | --------------------------------------------------- |
 * | Megatron  | `ceil(T K / E * f)`, optional minimum (this one)    |
 * | DeepSpeed | `ceil(T / E * f K)`, at least `min_capacity`        |
 * | Tutel     | `K * floor(f * ceil(T / E))`                        |
 *
 * @packageDocumentation
 */
import { ContractError } from "@meshwright/core";
import { checkSizes } from "./token-choices.ts";

/** Sizes that decide the capacity. */
export interface CapacityOptions {
  /** T: tokens that are routed together. */
  readonly tokens: number;
  /** K: choices per token. */
  readonly topK: number;
  /** E: experts. */
  readonly experts: number;
  /** 1 gives every expert its even share; larger leaves room for an uneven load. */
  readonly factor: number;
  /** The least that is returned. Default 1; 0 is allowed only where there are no tokens. */
  readonly minimum?: number;
}

/**
 * `max(minimum, ceil(T K / E * f))`, in Megatron's order of operations, so that borderline values round alike.
 *
 * @example
 * ```ts
 * expertCapacity({ tokens: 10, topK: 2, experts: 8, factor: 1.25 }); // ceil(2.5 * 1.25) = 4
 * ```
 * @throws ContractError if a size is no count, `topK` exceeds `experts`, the factor is not positive and finite, or the
 * minimum is no integer of at least 1.
 * @see Lepikhin et al. 2020, "GShard", section 2.2, https://arxiv.org/abs/2006.16668
 * @see Fedus et al. 2021, "Switch Transformers", section 2.2, https://arxiv.org/abs/2101.03961
 */
export function expertCapacity({ tokens, topK, experts, factor, minimum = 1 }: CapacityOptions): number {
  const where = "expertCapacity";
  checkSizes(where, { numTokens: tokens, topK, numExperts: experts });
  if (!(factor > 0 && factor < Infinity)) {
    throw new ContractError(
      `${where}: factor (${factor}) must be positive and finite; use 1 for an even share, or no capacity at all to drop nothing.`,
    );
  }
  if (!Number.isInteger(minimum) || minimum < 1) {
    throw new ContractError(
      `${where}: minimum (${minimum}) must be an integer of at least 1, because an expert of capacity 0 learns nothing; use 1.`,
    );
  }
  return Math.max(minimum, Math.ceil(((tokens * topK) / experts) * factor));
}

/**
 * Experts that each rank holds.
 *
 * @throws ContractError if the ranks do not divide the experts.
 */
export function expertsPerRank(experts: number, ranks: number): number {
  if (Number.isInteger(experts) && experts > 0 && experts % ranks === 0) return experts / ranks;
  throw new ContractError(
    `expertsPerRank: experts (${experts}) must be a positive multiple of the ranks of the expert axis (${ranks}); use ${Math.max(1, Math.round(experts / ranks)) * ranks} experts, or an axis size that divides ${experts}.`,
  );
}
