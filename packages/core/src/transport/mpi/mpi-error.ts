/**
 * How MPI fails.
 *
 * @packageDocumentation
 */
import { ContractError } from "../../errors.ts";

/** A call of MPI returned an error. The text has the rank, the call with its site, and MPI's own words. */
export class MpiError extends Error {
  override readonly name: string = "MpiError";
}

/** MPI could not be used at all: no library, or one that does not belong to the launcher. The text says what to do. */
export class MpiStartError extends ContractError {
  override readonly name: string = "MpiStartError";
}
