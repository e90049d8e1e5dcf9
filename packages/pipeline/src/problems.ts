/**
 * How errors of this package list what is wrong.
 *
 * @packageDocumentation
 */
import { ContractError } from "@meshwright/core";

/** Problems after which the list says only how many more there are: one mistake in a generator can cause thousands. */
const MAX_LISTED = 8;

/**
 * Reports all problems of one call at once.
 *
 * @throws ContractError with `where`, and the problem itself or a list of them, if there is one.
 */
export function throwProblems(where: string, problems: readonly string[]): void {
  if (problems.length === 0) return;
  if (problems.length === 1) throw new ContractError(`${where}: ${problems[0]}`);
  const listed = problems.slice(0, MAX_LISTED).map((problem) => `\n- ${problem}`);
  const rest = problems.length - listed.length;
  throw new ContractError(`${where}:${listed.join("")}${rest > 0 ? `\n- and ${rest} more.` : ""}`);
}
