/**
 * The programs that rank threads run in tests.
 *
 * @packageDocumentation
 */
import type { LedgerEntry } from "../../src/collectives/ledger.ts";
import type { ProcessGroup } from "../../src/collectives/process-group.ts";
import type { NumericArray } from "../../src/transport/transport.ts";
import { expectedOf, perform, type Step } from "./collective-steps.ts";
import { faultPrograms } from "./fault-programs.ts";
import { mailPrograms } from "./mail-programs.ts";
import type { RankContext } from "./rank-context.ts";

/** All programs. */
export type RankPrograms = typeof rankPrograms;

export const rankPrograms = {
  /** Runs the steps that this rank is a member of; returns the steps whose result was wrong, in words. */
  steps(context: RankContext, steps: readonly Step[]): readonly string[] {
    const groups = new Map<string, ProcessGroup>();
    const wrong: string[] = [];
    steps.forEach((step, index) => {
      if (!step.ranks.includes(context.rank)) return;
      const name = step.ranks.join("-");
      const group = groups.get(name) ?? context.group(step.ranks, name);
      groups.set(name, group);
      const actual = perform(group, step, index);
      const at = firstDifference(actual, expectedOf(step, index, group.rank));
      if (at >= 0) wrong.push(`step ${index} (${step.kind}) on rank ${context.rank} differs at ${at}`);
    });
    return wrong;
  },

  /** Returns what the steps give, to compare bits across ranks and runs. */
  results(context: RankContext, steps: readonly Step[]): readonly NumericArray[] {
    return steps.map((step, index) => perform(context.group(step.ranks, `group ${index}`), step, index));
  },

  /** Returns the ledger's entries for the steps. */
  entries(context: RankContext, steps: readonly Step[]): readonly LedgerEntry[] {
    const { entries } = context.ledger.record(() => rankPrograms.steps(context, steps));
    return entries;
  },

  ...faultPrograms,
  ...mailPrograms,
};

/** The first index at which two arrays differ in type, length or value; -1 where they are the same. */
function firstDifference(actual: NumericArray, expected: NumericArray): number {
  if (actual.constructor !== expected.constructor) return 0;
  if (actual.length !== expected.length) return Math.min(actual.length, expected.length);
  return actual.findIndex((value, at) => !Object.is(value, expected[at]));
}
