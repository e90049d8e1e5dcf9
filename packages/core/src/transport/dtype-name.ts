/**
 * The tfjs names of the dtypes that transports move.
 *
 * @packageDocumentation
 */
import type { NumericArray } from "./transport.ts";

/** All of them. Positions in this list travel between ranks. */
export const dtypeNames = ["float32", "int32", "bool"] as const;

/** Name of a dtype. */
export type DTypeName = (typeof dtypeNames)[number];

/** The dtype of an array; `Uint8Array` holds bool. */
export function dtypeName(array: NumericArray): DTypeName {
  if (array instanceof Float32Array) return "float32";
  return array instanceof Int32Array ? "int32" : "bool";
}
