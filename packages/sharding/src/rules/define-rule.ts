/**
 * Checks a rule that a user wrote, as far as that is possible without running it.
 *
 * @packageDocumentation
 */
import { ContractError } from "@meshwright/core";
import type { Rule } from "./rule.ts";

/**
 * Declares how kernels run when their inputs are split. Hand the result to `createMesh(world, axes, { rules })`; where it
 * covers a kernel that has a rule already, the later one wins. `verifyRule` checks it against the dense kernel.
 *
 * @example
 * ```ts
 * const swish = defineRule({
 *   kernels: ["Swish"],
 *   outputs: (call) => [call.inputs[0]!],
 *   strategies: (call) => call.inputs[0]!.shape.map((_, dim) => ({ inputs: [Shard(dim)], outputs: [Shard(dim)] })),
 *   attrsKey: () => "",
 * });
 * ```
 * @throws ContractError that lists everything that is wrong with the rule.
 */
export function defineRule(rule: Rule): Rule {
  const problems = problemsOf(rule);
  if (problems.length > 0) {
    throw new ContractError(
      `defineRule: the rule must be complete; correct:\n${problems.map((line) => `- ${line}`).join("\n")}`,
    );
  }
  return Object.freeze({ ...rule, kernels: Object.freeze([...rule.kernels]) });
}

function problemsOf(rule: Rule): string[] {
  const problems: string[] = [];
  const given: Readonly<Record<string, unknown>> = { ...rule };
  const { kernels, emptyValue } = given;
  if (!Array.isArray(kernels) || kernels.length === 0) {
    problems.push(`kernels (${JSON.stringify(kernels)}) must be a list of kernel names; use ["MyKernel"].`);
  } else {
    for (const [i, kernel] of kernels.entries()) {
      if (typeof kernel !== "string" || kernel === "")
        problems.push(
          `kernels[${i}] (${JSON.stringify(kernel)}) must be a kernel name; use the name that runKernel takes.`,
        );
      else if (kernels.indexOf(kernel) < i)
        problems.push(`kernels[${i}] ("${kernel}") must be named once; remove the second.`);
    }
  }
  for (const [name, use] of REQUIRED) {
    if (typeof given[name] !== "function")
      problems.push(`${name} (${typeof given[name]}) must be a function; use ${use}.`);
  }
  for (const name of OPTIONAL) {
    if (given[name] !== undefined && typeof given[name] !== "function")
      problems.push(`${name} (${typeof given[name]}) must be a function; leave it out for the default.`);
  }
  if (emptyValue !== undefined && (typeof emptyValue !== "number" || Number.isNaN(emptyValue)))
    problems.push(
      `emptyValue (${JSON.stringify(emptyValue)}) must be a number; use what a reduction of nothing gives.`,
    );
  if (given.communicates === true && given.local === undefined)
    problems.push(
      "communicates (true) must come with local, which makes the collectives; leave it out for the plain kernel.",
    );
  return problems;
}

const REQUIRED = [
  ["outputs", "(call) => the global shape and dtype of every output"],
  ["strategies", "() => [] for a kernel that is always replicated"],
] as const;
const OPTIONAL = ["localAttrs", "local", "isPlain", "attrsKey"] as const;
