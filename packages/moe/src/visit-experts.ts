/**
 * Tokens visit their experts, here or on other ranks: local code.
 *
 * ```text
 *   x [t, D] --permute--> rows by expert --all-to-all--> rows of this rank's experts --sort, experts, restore-->
 *            <-unpermute-- rows by expert <--all-to-all--
 * ```
 *
 * @packageDocumentation
 */
import type { ProcessGroup } from "@meshwright/core";
import { reshape, type Tensor } from "@tensorflow/tfjs";
import { exchangeRows } from "./dispatch-all-to-all.ts";
import { exchangeTokenCounts } from "./exchange-token-counts.ts";
import { expertOutputs } from "./experts.ts";
import { keptWeights } from "./kept-weights.ts";
import { orderByExpert, planPermutation, type PermutationOptions } from "./permutation.ts";
import {
  padToCapacity,
  permuteTokens,
  reorderRows,
  restoreRows,
  unpadFromCapacity,
  unpermuteTokens,
} from "./permute.ts";
import type { TokenPlan } from "./token-plan.ts";

/** Local parts of everything that the experts work on. */
export interface ExpertInputs {
  /** `[t, D]` */
  readonly x: Tensor;
  /** `[t, K]` */
  readonly weights: Tensor;
  /** In the order of `expertParameters`. */
  readonly parameters: readonly Tensor[];
}

/** Who holds which experts. */
export type ExpertPlaces =
  | { readonly kind: "here" }
  /** Experts are split over the ranks of the group, and tokens go to them. */
  | { readonly kind: "exchanged"; readonly group: ProcessGroup; readonly shape: readonly number[] }
  /** Experts are split over the ranks of the group, which all have the same tokens. */
  | { readonly kind: "gathered"; readonly group: ProcessGroup };

/**
 * `y[t] = sum over the kept choices j of t of weights[t, j] * expert_j(x[t])`; over the experts of this rank alone where
 * the tokens were gathered.
 *
 * @returns `[t, D]`; the caller's scope owns it
 */
export function visitExperts(
  { x, weights, parameters }: ExpertInputs,
  plan: TokenPlan,
  { places, renormalize }: { readonly places: ExpertPlaces; readonly renormalize: boolean },
): Tensor {
  const permutation = planPermutation(permutationOf(plan, places));
  const rows = permuteTokens(x, permutation); // [t, D] -> [n, D]
  const { paddedTo } = plan;
  const run = (sorted: Tensor, counts: Int32Array): Tensor =>
    runExperts(sorted, counts, { parameters, places });
  const y =
    paddedTo === undefined
      ? run(rows, permutation.counts)
      : runPadded(rows, permutation.counts, { paddedTo, run });
  const factors =
    renormalize && plan.kept !== undefined ? keptWeights(weights, plan.kept, { renormalize }) : weights;
  return unpermuteTokens(y, factors, permutation); // [n, D] -> [t, D]
}

/** On gathered tokens, choices of experts elsewhere are left to the other ranks. */
function permutationOf({ kept, ...choices }: TokenPlan, places: ExpertPlaces): PermutationOptions {
  if (places.kind !== "gathered") return kept === undefined ? choices : { ...choices, kept };
  const { first, count } = localExperts(choices.numExperts, places.group);
  const isHere = (expert: number): boolean => expert >= first && expert < first + count;
  return {
    ...choices,
    kept: Uint8Array.from(choices.experts, (expert, pair) => (isHere(expert) ? (kept?.[pair] ?? 1) : 0)),
  };
}

function localExperts(
  numExperts: number,
  { size, rank }: ProcessGroup,
): { readonly first: number; readonly count: number } {
  const count = numExperts / size;
  return { first: rank * count, count };
}

function runExperts(
  rows: Tensor,
  counts: Int32Array,
  { parameters, places }: { readonly parameters: readonly Tensor[]; readonly places: ExpertPlaces },
): Tensor {
  switch (places.kind) {
    case "here":
      return expertOutputs(rows, parameters, counts);
    case "gathered": {
      const { first, count } = localExperts(counts.length, places.group);
      return expertOutputs(rows, parameters, counts.subarray(first, first + count));
    }
    case "exchanged": {
      const { group, shape } = places;
      const { received, sendCounts, receiveCounts } = exchangeTokenCounts(counts, { group, shape });
      const sorted = orderByExpert(received, counts.length / group.size);
      const arrived = exchangeRows(rows, { sendCounts, receiveCounts, group, label: "dispatch" });
      const y = expertOutputs(reorderRows(arrived, sorted), parameters, sorted.counts);
      const back = { sendCounts: receiveCounts, receiveCounts: sendCounts, group, label: "combine" };
      return exchangeRows(restoreRows(y, sorted), back);
    }
    default:
      return places satisfies never;
  }
}

function runPadded(
  rows: Tensor,
  counts: Int32Array,
  {
    paddedTo,
    run,
  }: { readonly paddedTo: number; readonly run: (rows: Tensor, counts: Int32Array) => Tensor },
): Tensor {
  const padded = padToCapacity(rows, counts, paddedTo); // [n, D] -> [E, C, D]
  const [numExperts, , features] = padded.shape as [number, number, number];
  const y = run(
    reshape(padded, [numExperts * paddedTo, features]),
    new Int32Array(numExperts).fill(paddedTo),
  );
  return unpadFromCapacity(reshape(y, [numExperts, paddedTo, features]), counts);
}
