/**
 * The best contiguous split of a row of costs.
 *
 * Legend: n = layers, s = stages.
 *
 * @packageDocumentation
 */
import { ContractError } from "@meshwright/core";
import type { PipelineLayer } from "./stage.ts";

/**
 * How many layers each stage takes: of all splits with at least one layer per stage, one whose largest stage is the
 * smallest possible, and of these one with the smallest sum of squares, so that the rest is even too. O(n^2 s).
 *
 * @example
 * ```ts
 * balance([3, 1, 1, 1, 4], 3); // [1, 3, 1]
 * ```
 * @throws ContractError if a cost is negative or not finite, or there are more stages than costs.
 */
export function balance(costs: readonly number[], numStages: number): number[] {
  checkCosts(costs, numStages);
  const ends = [0];
  for (const cost of costs) ends.push(ends.at(-1)! + cost);
  const largest = bestSplit(ends, numStages, { join: Math.max, costOf: (cost) => cost });
  const even = bestSplit(ends, numStages, {
    join: (a, b) => a + b,
    costOf: (cost) => (cost <= largest.value ? cost * cost : Infinity),
  });
  return even.sizes;
}

/** Parameters of each layer in the global view, as costs for `partition`. */
export function parameterCosts(layers: readonly PipelineLayer[]): number[] {
  return layers.map(({ parameters }) => {
    let count = 0;
    for (const { shape } of parameters.values()) count += shape.reduce((a, b) => a * b, 1);
    return count;
  });
}

interface Criterion {
  /** Of the stages before and the last one. */
  readonly join: (before: number, last: number) => number;
  readonly costOf: (stageCost: number) => number;
}

/** Dynamic programming: `best[k][i]` is the best value of the first `i` layers in `k` stages. */
function bestSplit(
  ends: readonly number[],
  numStages: number,
  { join, costOf }: Criterion,
): { readonly value: number; readonly sizes: number[] } {
  const n = ends.length - 1;
  const cuts: number[][] = [];
  let best = [0, ...new Array<number>(n).fill(Infinity)];
  for (let k = 1; k <= numStages; k++) {
    const next = new Array<number>(n + 1).fill(Infinity);
    const cut = new Array<number>(n + 1).fill(k - 1);
    for (let i = k; i <= n; i++) {
      // From long last stages to short ones, and `<=`: of equal splits the one with the most layers in front.
      for (let j = k - 1; j < i; j++) {
        const value = join(best[j]!, costOf(ends[i]! - ends[j]!));
        if (value <= next[i]! && value < Infinity) [next[i], cut[i]] = [value, j];
      }
    }
    cuts.push(cut);
    best = next;
  }
  const sizes: number[] = [];
  for (let k = numStages - 1, i = n; k >= 0; k--) {
    const j = cuts[k]![i]!;
    sizes.unshift(i - j);
    i = j;
  }
  return { value: best[n]!, sizes };
}

function checkCosts(costs: readonly number[], numStages: number): void {
  if (!Number.isInteger(numStages) || numStages < 1 || numStages > costs.length) {
    throw new ContractError(
      `balance: numStages (${numStages}) must be an integer from 1 to the number of costs (${costs.length}); use fewer stages.`,
    );
  }
  const wrong = costs.findIndex((cost) => !Number.isFinite(cost) || cost < 0);
  if (wrong < 0) return;
  throw new ContractError(
    `balance: costs[${wrong}] (${costs[wrong]!}) must be a finite number of at least 0; use 0 for a layer that costs nothing.`,
  );
}
