/**
 * What an output holds on a rank whose shard of an input has no elements.
 *
 * @packageDocumentation
 */
import type { DataType } from "@tensorflow/tfjs";
import { numElements } from "../layout.ts";
import type { Rule } from "./rule.ts";

const INT32_MAX = 2 ** 31 - 1;
const INT32_MIN = -(2 ** 31);

/** The rule's `emptyValue` as an element of `dtype`: infinities become the ends of the integers' range. */
export function emptyElement(rule: Rule, dtype: DataType): number {
  const value = rule.emptyValue ?? 0;
  if (dtype === "bool") return value > 0 ? 1 : 0;
  if (dtype === "int32") return Math.max(INT32_MIN, Math.min(INT32_MAX, value));
  return value;
}

/**
 * Whether the plain kernel must not run on this rank because splitting left an input without elements. An input that
 * is empty in the global view does not count: there the kernel itself defines the result.
 */
export function hasEmptyShard(
  inputs: readonly { readonly shape: readonly number[]; readonly localShape: readonly number[] }[],
): boolean {
  return inputs.some(({ shape, localShape }) => numElements(localShape) === 0 && numElements(shape) > 0);
}
