/**
 * The two kinds of error that Meshwright throws: a contract the caller broke, and an invariant Meshwright broke.
 *
 * @packageDocumentation
 */

/**
 * The caller broke a rule of the API. The text reads `Where: what (value) must ... rule; use <fix>.`
 *
 * Thrown where the object is built, before any tensor is made.
 */
export class ContractError extends Error {
  override readonly name: string = "ContractError";
}

/** Meshwright broke its own invariant. The text starts with `internal:` and asks for a report. */
export class InternalError extends Error {
  override readonly name: string = "InternalError";

  constructor(what: string, options?: ErrorOptions) {
    super(`internal: ${what}; please report this with the program that caused it.`, options);
  }
}
