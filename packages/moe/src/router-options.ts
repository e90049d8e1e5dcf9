/**
 * The settings of a router, and what they must satisfy.
 *
 * @packageDocumentation
 */
import { ContractError } from "@meshwright/core";
import type { GroupLimit } from "./group-limit.ts";

/** How experts are chosen and weighted. */
export interface ChoiceOptions {
  readonly numExperts: number;
  /** K, at most `numExperts`. */
  readonly topK: number;
  /** Default `"softmax"`. */
  readonly scoreFunction?: "softmax" | "sigmoid";
  /**
   * For softmax: over the chosen logits (`"chooseFirst"`, default), or over all, then choose (`"scoreFirst"`, which a K
   * of 1 needs: with the other the gate would have no gradient).
   */
  readonly order?: "chooseFirst" | "scoreFirst";
  /** Whether the K weights are divided by their sum. Default: for sigmoid, unless K is 1; `chooseFirst` always does. */
  readonly renormalize?: boolean;
  /** Multiplies all weights. Default 1. */
  readonly scalingFactor?: number;
  /** Limits a token to few groups of experts. Default: none. */
  readonly groups?: GroupLimit;
}

/** Settings with every default filled in. */
export interface Choice {
  readonly numExperts: number;
  readonly topK: number;
  readonly scoreFunction: "softmax" | "sigmoid";
  readonly order: "chooseFirst" | "scoreFirst";
  readonly renormalize: boolean;
  readonly scalingFactor: number;
  readonly groups: GroupLimit | undefined;
}

/**
 * Checks all settings and fills in the defaults.
 *
 * @throws ContractError that lists everything wrong.
 */
export function resolveChoice(where: string, options: ChoiceOptions): Choice {
  const problems = [
    ...sizeProblems(options),
    ...orderProblems(options),
    ...singleChoiceProblems(options),
    ...groupProblems(options),
  ];
  if (problems.length === 1) throw new ContractError(`${where}: ${problems[0]!}`);
  if (problems.length > 1) throw new ContractError(`${where}:\n- ${problems.join("\n- ")}`);
  const { scoreFunction = "softmax", topK } = options;
  const order = options.order ?? (scoreFunction === "softmax" ? "chooseFirst" : "scoreFirst");
  return {
    numExperts: options.numExperts,
    topK,
    scoreFunction,
    order,
    renormalize: options.renormalize ?? (scoreFunction === "sigmoid" && topK > 1),
    scalingFactor: options.scalingFactor ?? 1,
    groups: options.groups,
  };
}

function isCount(value: number): boolean {
  return Number.isInteger(value) && value >= 1;
}

function sizeProblems({ numExperts, topK, scalingFactor = 1 }: ChoiceOptions): string[] {
  const problems: string[] = [];
  if (!isCount(numExperts)) {
    problems.push(`numExperts (${numExperts}) must be a positive integer; use for example numExperts: 8.`);
  }
  if (!isCount(topK) || topK > numExperts) {
    problems.push(
      `topK (${topK}) must be an integer from 1 to numExperts (${numExperts}); use for example topK: 2.`,
    );
  }
  if (!(scalingFactor > 0 && Number.isFinite(scalingFactor))) {
    problems.push(
      `scalingFactor (${scalingFactor}) must be positive and finite; leave it out for unscaled weights.`,
    );
  }
  return problems;
}

function orderProblems({ scoreFunction, order, renormalize }: ChoiceOptions): string[] {
  if (scoreFunction === "sigmoid") {
    if (order !== "chooseFirst") return [];
    return [
      `order (chooseFirst) must be left out with scoreFunction (sigmoid), whose scores do not depend on each other.`,
    ];
  }
  if (renormalize !== undefined && order !== "scoreFirst") {
    return [
      `renormalize (${renormalize}) must be left out with order (chooseFirst), whose weights always sum to 1; use order: "scoreFirst".`,
    ];
  }
  return [];
}

/** The weight of a single choice that is divided by itself is 1: only a balancing loss would teach the gate. */
function singleChoiceProblems({
  numExperts,
  topK,
  scoreFunction = "softmax",
  order,
  renormalize = false,
}: ChoiceOptions): string[] {
  if (topK !== 1 || numExperts === 1) return [];
  if (renormalize) {
    return [
      `renormalize (true) must be left out with topK (1), whose weight would be 1 whatever the gate says; leave it out.`,
    ];
  }
  if (scoreFunction === "sigmoid" || order === "scoreFirst") return [];
  return [
    `topK (1) must not be used with order (chooseFirst), whose weight would be 1 whatever the gate says; use order: "scoreFirst".`,
  ];
}

function groupProblems({ groups, numExperts, topK }: ChoiceOptions): string[] {
  if (groups === undefined) return [];
  const { count, perToken } = groups;
  if (!isCount(count) || numExperts % count !== 0) {
    return [`groups.count (${count}) must divide numExperts (${numExperts}); use a divisor.`];
  }
  if (!isCount(perToken) || perToken > count) {
    return [`groups.perToken (${perToken}) must be an integer from 1 to groups.count (${count}).`];
  }
  const reachable = (perToken * numExperts) / count;
  if (topK <= reachable) return [];
  return [
    `topK (${topK}) must be at most the experts of ${perToken} groups (${reachable}); use more groups per token.`,
  ];
}
