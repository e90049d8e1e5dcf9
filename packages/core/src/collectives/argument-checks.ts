/**
 * Checks of the arguments of collectives, before anything is communicated.
 *
 * @packageDocumentation
 */
import { ContractError } from "../errors.ts";
import { dtypeName } from "../transport/dtype-name.ts";
import type { NumericArray } from "../transport/transport.ts";

/** Throws unless `value` is an array that collectives can move. */
export function checkArray(where: string, what: string, value: unknown): void {
  if (value instanceof Float32Array || value instanceof Int32Array || value instanceof Uint8Array) return;
  throw new ContractError(
    `${where}: ${what} (${typeName(value)}) must be a Float32Array, Int32Array or Uint8Array (bool); use Float32Array.from(${what}).`,
  );
}

/** Throws unless `position` is a position in a group of `size`. */
export function checkPosition(where: string, what: string, position: number, size: number): void {
  if (Number.isInteger(position) && position >= 0 && position < size) return;
  throw new ContractError(
    `${where}: ${what} (${position}) must be a position in the group of ${size}; use 0 to ${size - 1}.`,
  );
}

/** Throws unless `counts` has one non-negative integer per rank and they add up to `total`. */
export function checkCounts(
  where: string,
  counts: { readonly name: string; readonly values: readonly number[] },
  expected: { readonly size: number; readonly total: number; readonly array: string },
): void {
  const { name, values } = counts;
  if (values.length !== expected.size) {
    throw new ContractError(
      `${where}: ${name} (${values.length} entries) must have one entry per rank (${expected.size}); use 0 for ranks without elements.`,
    );
  }
  const wrong = values.find((count) => !Number.isInteger(count) || count < 0);
  if (wrong !== undefined) {
    throw new ContractError(
      `${where}: ${name} (${wrong}) must hold non-negative integers; use lengths in elements.`,
    );
  }
  const sum = sumOf(values);
  if (sum !== expected.total) {
    throw new ContractError(
      `${where}: ${name} ([${values.join(", ")}], sum ${sum}) must add up to the length of ${expected.array} (${expected.total}); use counts of elements, not bytes.`,
    );
  }
}

/** `size` equal counts that add up to `length`; throws if there are none. */
export function equalCounts(
  where: string,
  length: number,
  options: { readonly size: number; readonly array: string; readonly name: string },
): readonly number[] {
  if (length % options.size !== 0) {
    throw new ContractError(
      `${where}: the length of ${options.array} (${length}) must be divisible by the number of ranks (${options.size}); use ${options.name} for uneven pieces.`,
    );
  }
  return new Array<number>(options.size).fill(length / options.size);
}

/**
 * The array that receives `length` elements: `into`, or a new one of `like`'s dtype. Throws if `into` has another length
 * or dtype, or shares memory with `like`.
 */
export function receiverOf<T extends NumericArray>(
  where: string,
  like: T,
  length: number,
  into: T | undefined,
): T {
  if (into === undefined) return emptyLike(like, length);
  checkArray(where, "into", into);
  if (dtypeName(into) !== dtypeName(like)) {
    throw new ContractError(
      `${where}: into (${dtypeName(into)}) must have the dtype of send (${dtypeName(like)}); use an array of the same type.`,
    );
  }
  if (into.length !== length) {
    throw new ContractError(
      `${where}: into (${into.length} elements) must have the length of the result (${length}); use into.subarray(0, ${length}) of a large enough array.`,
    );
  }
  return into;
}

/** Throws if the two arrays share memory. */
export function checkApart(where: string, send: NumericArray, into: NumericArray): void {
  const apart =
    send.buffer !== into.buffer ||
    send.byteOffset + send.byteLength <= into.byteOffset ||
    into.byteOffset + into.byteLength <= send.byteOffset;
  if (apart) return;
  throw new ContractError(
    `${where}: into (bytes ${rangeText(into)} of a buffer) must not overlap send (bytes ${rangeText(send)} of the same one); use another array.`,
  );
}

/** A new array of `like`'s dtype. */
export function emptyLike<T extends NumericArray>(like: T, length: number): T {
  if (like instanceof Float32Array) return new Float32Array(length) as T;
  return (like instanceof Int32Array ? new Int32Array(length) : new Uint8Array(length)) as T;
}

/** The sum of `counts`. */
export function sumOf(counts: readonly number[]): number {
  let sum = 0;
  for (const count of counts) sum += count;
  return sum;
}

function rangeText(array: NumericArray): string {
  return `${array.byteOffset} to ${array.byteOffset + array.byteLength}`;
}

function typeName(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value);
  return (value.constructor as { readonly name?: string } | undefined)?.name ?? "object";
}
