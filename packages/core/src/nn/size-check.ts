/**
 * Checks that modules make of their sizes and inputs.
 *
 * @packageDocumentation
 */
import type { Tensor } from "@tensorflow/tfjs";
import { ContractError } from "../errors.ts";

/**
 * Checks every named size and reports all that are wrong at once.
 *
 * @throws ContractError if a size is not a positive integer.
 */
export function requireSizes(where: string, sizes: Readonly<Record<string, number>>): void {
  const wrong = Object.entries(sizes).filter(([, size]) => !Number.isInteger(size) || size < 1);
  if (wrong.length === 0) return;
  const list = wrong.map(([name, size]) => `${name} (${size})`).join(", ");
  throw new ContractError(`${where}: ${list} must be a positive integer; use a whole number of at least 1.`);
}

/**
 * Checks the last dim of an input.
 *
 * @throws ContractError if it is not `features`.
 */
export function requireFeatures(where: string, x: Tensor, features: number): void {
  if (x.shape.at(-1) !== features) {
    throw new ContractError(
      `${where}: the last dim of the input (shape [${x.shape.join(", ")}]) must be ${features}; use the size the module was built with.`,
    );
  }
}
