/**
 * How a failed run is printed.
 *
 * @packageDocumentation
 */
import { inspect } from "node:util";
import { ContractError } from "../errors.ts";
import { RankError } from "./rank-error.ts";

/** The text of a failed run: which rank and why, then the rank's own stack. */
export function describeFailure(error: unknown): string {
  if (error instanceof RankError) return `${error.message}\n${inspect(error.cause)}`;
  if (error instanceof ContractError) {
    return error.cause === undefined ? error.message : `${error.message}\n${inspect(error.cause)}`;
  }
  return inspect(error);
}
