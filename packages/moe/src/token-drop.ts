/**
 * Which choices are dropped where an expert is over its capacity.
 *
 * Legend: T = tokens, K = choices per token, C = capacity of an expert; a *pair* is one choice of one token.
 *
 * Every policy is an order in which pairs ask for a place; the first C that ask an expert are kept.
 *
 * | policy          | order                                              | who does it                                      |
 * | --------------- | -------------------------------------------------- | ------------------------------------------------ |
 * | `"position"`    | token by token, choices of a token best first      | Megatron `token_drop_policy="position"`, Switch  |
 * | `"choice"`      | all first choices, then all second choices, ...    | GShard, DeepSpeed's top-2, Tutel                 |
 * | `"probability"` | largest weight first; equal weights by position    | Megatron `token_drop_policy="probs"`             |
 *
 * DeepSpeed's top-1 gate chooses at random among tokens, and Tutel's batch prioritised routing sorts tokens by their best
 * weight within each choice; neither is here.
 *
 * ```text
 *   C = 1, K = 2     token 0: expert a, b      "position": 0a 0b 1c  -> 1b dropped
 *                    token 1: expert b, c      "choice":   0a 1b 1c  -> 0b dropped
 * ```
 *
 * Tokens compete with those that are handed in together. Megatron and DeepSpeed hand in the tokens of one rank, so what
 * they drop depends on how many ranks there are; to make it independent, gather the choices of all ranks (T K integers).
 *
 * What is dropped contributes nothing to the combined output: the token passes by the residual connection only.
 *
 * @packageDocumentation
 */
import { ContractError } from "@meshwright/core";
import { checkChoices, type TokenChoices } from "./token-choices.ts";

/** The order in which pairs ask for a place. */
export type DropPolicy = "position" | "choice" | "probability";

/** Choices, and the room that there is. */
export interface KeepOptions extends TokenChoices {
  /** C: pairs that each expert takes; from `expertCapacity`. */
  readonly capacity: number;
  readonly policy: DropPolicy;
  /** Weight of each pair, `[T * K]`; only `"probability"` reads it. */
  readonly weights?: Float32Array;
}

/**
 * 1 for each pair that is kept, 0 for each that is dropped: `[T * K]`. No expert keeps more than its capacity, and none
 * drops while it has room.
 *
 * @throws ContractError if the capacity is no integer of at least 1, or the policy reads weights that are missing, of
 * another length or NaN.
 * @example
 * ```ts
 * const choices = { experts: Int32Array.of(0, 0, 1), numTokens: 3, topK: 1, numExperts: 2 };
 * keepWithinCapacity({ ...choices, capacity: 1, policy: "position" }); // [1, 0, 1]
 * ```
 */
export function keepWithinCapacity(options: KeepOptions): Uint8Array {
  const { experts, numExperts, capacity } = options;
  checkChoices("keepWithinCapacity", options);
  if (!Number.isInteger(capacity) || capacity < 1) {
    throw new ContractError(
      `keepWithinCapacity: capacity (${capacity}) must be an integer of at least 1; use expertCapacity, or no capacity to drop nothing.`,
    );
  }
  const kept = new Uint8Array(experts.length);
  const taken = new Int32Array(numExperts);
  for (const pair of orderOf(options)) {
    const expert = experts[pair]!;
    if (taken[expert]! >= capacity) continue;
    taken[expert]!++;
    kept[pair] = 1;
  }
  return kept;
}

/** Share of the pairs that is dropped, from 0 to 1; 0 where there are none. */
export function dropRate(kept: Uint8Array): number {
  if (kept.length === 0) return 0;
  let numKept = 0;
  for (const one of kept) numKept += one;
  return 1 - numKept / kept.length;
}

function orderOf(options: KeepOptions): Int32Array {
  const { numTokens, topK, policy } = options;
  const pairs = Int32Array.from({ length: numTokens * topK }, (_, i) => i);
  switch (policy) {
    case "position":
      return pairs;
    case "choice":
      return pairs.map((i) => (i % numTokens) * topK + Math.floor(i / numTokens));
    case "probability": {
      const weights = requireWeights(options, pairs.length);
      return pairs.sort((a, b) => weights[b]! - weights[a]! || a - b);
    }
    default:
      return policy satisfies never;
  }
}

function requireWeights({ weights }: KeepOptions, numPairs: number): Float32Array {
  if (weights?.length !== numPairs) {
    throw new ContractError(
      `keepWithinCapacity: weights (${weights === undefined ? "missing" : `length ${weights.length}`}) must hold one weight per choice (${numPairs}) for policy "probability"; use the router's weights, or policy "position".`,
    );
  }
  const pair = weights.findIndex((weight) => Number.isNaN(weight));
  if (pair < 0) return weights;
  throw new ContractError(
    `keepWithinCapacity: weights[${pair}] (NaN) must be a number, or the order is undefined; use finite logits (a smaller learning rate, or the z-loss).`,
  );
}
