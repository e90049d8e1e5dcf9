/**
 * Numbers on the command line.
 *
 * @packageDocumentation
 */
import { InvalidArgumentError } from "commander";

/** 1, 2, 3, ... */
export function positiveInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new InvalidArgumentError("It must be a positive integer; use 1 or more.");
  }
  return value;
}

/** 0, 1, 2, ... */
export function nonNegativeInteger(text: string): number {
  const value = parseNumber(text);
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new InvalidArgumentError("It must be an integer of at least 0; use 0 or more.");
  }
  return value;
}

/** 0 or any positive number. */
export function nonNegative(text: string): number {
  const value = parseNumber(text);
  if (!(value >= 0)) throw new InvalidArgumentError("It must be a number of at least 0; use 0 or more.");
  return value;
}

/** Three such numbers with commas between them. */
export function threeNonNegatives(text: string): [number, number, number] {
  const [first = NaN, second = NaN, third = NaN, ...more] = text.split(",").map(parseNumber);
  if (![first, second, third].every((value) => value >= 0) || more.length > 0) {
    throw new InvalidArgumentError("It must be three numbers of at least 0; use 1,1,1.");
  }
  return [first, second, third];
}

/** `NaN` for what is no finite number; `Number("")` would be 0. */
function parseNumber(text: string): number {
  const value = text.trim() === "" ? NaN : Number(text);
  return Number.isFinite(value) ? value : NaN;
}
