/**
 * Which experts each token chose: what routing decides and everything after it reads.
 *
 * Legend: T = tokens, K = choices per token (top-k), E = experts.
 *
 * @packageDocumentation
 */
import { ContractError } from "@meshwright/core";

/** The choices of `T` tokens, as plain data. A *pair* `t * K + j` is the `j`-th choice of token `t`; best choice first. */
export interface TokenChoices {
  /** Expert of each pair, `[T * K]`. */
  readonly experts: Int32Array;
  readonly numTokens: number;
  readonly topK: number;
  readonly numExperts: number;
}

/** @throws ContractError that lists all that is wrong with the sizes, or names the first expert that does not exist. */
export function checkChoices(where: string, { experts, numTokens, topK, numExperts }: TokenChoices): void {
  checkSizes(where, { numTokens, topK, numExperts });
  if (experts.length !== numTokens * topK) {
    throw new ContractError(
      `${where}: experts (length ${experts.length}) must hold numTokens * topK choices (${numTokens * topK}); use one expert per token and choice.`,
    );
  }
  const pair = experts.findIndex((expert) => expert < 0 || expert >= numExperts);
  if (pair >= 0) {
    throw new ContractError(
      `${where}: experts[${pair}] (${experts[pair]!}) must be in 0..${numExperts - 1}; use the index of one of the ${numExperts} experts.`,
    );
  }
}

/** @throws ContractError that lists the sizes that are no counts, or `topK` if it exceeds the experts. */
export function checkSizes(
  where: string,
  { numTokens, topK, numExperts }: Omit<TokenChoices, "experts">,
): void {
  const problems: string[] = [];
  if (!isCount(numTokens, 0)) problems.push(`numTokens (${numTokens}) must be an integer of at least 0`);
  if (!isCount(numExperts, 1)) problems.push(`numExperts (${numExperts}) must be an integer of at least 1`);
  if (!isCount(topK, 1)) problems.push(`topK (${topK}) must be an integer of at least 1`);
  else if (topK > numExperts) problems.push(`topK (${topK}) must be at most numExperts (${numExperts})`);
  if (problems.length > 0) {
    throw new ContractError(
      `${where}: ${problems.join("; ")}; use whole sizes with 1 <= topK <= numExperts.`,
    );
  }
}

function isCount(value: number, least: number): boolean {
  return Number.isInteger(value) && value >= least;
}
