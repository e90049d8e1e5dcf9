/**
 * Elements as they lie in a file, to and from what tfjs computes with.
 *
 * @packageDocumentation
 */
import type { NumericArray } from "../transport/transport.ts";
import { CheckpointError } from "./checkpoint-error.ts";
import { computeDtype, elementBytes, type SafetensorsDtype } from "./dtype.ts";
import { fromBfloat16, fromFloat16, toBfloat16, toFloat16 } from "./half-precision.ts";

/** Exact or refused: element types that no tfjs type holds in full. */
const WIDE = {
  I64: { array: BigInt64Array, narrow: Int32Array, fits: "int32" },
  U64: { array: BigUint64Array, narrow: Int32Array, fits: "int32" },
  U32: { array: Uint32Array, narrow: Int32Array, fits: "int32" },
  F64: { array: Float64Array, narrow: Float32Array, fits: "float32" },
} as const;

/**
 * The values of `bytes`, which must start a buffer of their own and are not copied where they already are what tfjs
 * computes with: `F32`, `F16`, `BF16`, `F64` give float32, integers int32, `BOOL` a `Uint8Array`.
 *
 * @param where - names file and tensor in errors
 * @throws CheckpointError if a value of 64 bits has no exact counterpart, or the element type has none at all.
 */
export function decodeElements(bytes: Uint8Array, dtype: SafetensorsDtype, where: string): NumericArray {
  const { buffer, byteOffset } = bytes;
  const count = bytes.byteLength / elementBytes(dtype);
  switch (dtype) {
    case "F32":
      return new Float32Array(buffer, byteOffset, count);
    case "I32":
      return new Int32Array(buffer, byteOffset, count);
    case "BOOL":
      return bytes;
    case "BF16":
      return fromBfloat16(new Uint16Array(buffer, byteOffset, count));
    case "F16":
      return fromFloat16(new Uint16Array(buffer, byteOffset, count));
    case "U8":
      return Int32Array.from(bytes);
    case "I8":
      return Int32Array.from(new Int8Array(buffer, byteOffset, count));
    case "I16":
      return Int32Array.from(new Int16Array(buffer, byteOffset, count));
    case "U16":
      return Int32Array.from(new Uint16Array(buffer, byteOffset, count));
    case "I64":
    case "U64":
    case "U32":
    case "F64":
      return narrowed(bytes, dtype, where);
    case "F8_E4M3":
    case "F8_E5M2":
    case "F8_E8M0":
    case "C64":
      throw new CheckpointError(
        `${where}: dtype (${dtype}) must be one that tfjs can hold; use a file converted to F32.`,
      );
  }
}

function narrowed(bytes: Uint8Array, dtype: keyof typeof WIDE, where: string): NumericArray {
  const { array: Wide, narrow: Narrow, fits } = WIDE[dtype];
  const wide = new Wide(
    bytes.buffer as ArrayBuffer,
    bytes.byteOffset,
    bytes.byteLength / elementBytes(dtype),
  );
  const narrow = new Narrow(wide.length);
  for (let i = 0; i < wide.length; i++) {
    const value = wide[i]!;
    narrow[i] = Number(value);
    const isSame = typeof value === "bigint" ? BigInt(narrow[i]!) === value : Object.is(narrow[i], value);
    if (!isSame) {
      throw new CheckpointError(
        `${where}: element ${i} (${value} of ${dtype}) must have an exact ${fits} value; use a file converted to ${fits === "int32" ? "I32" : "F32"}.`,
      );
    }
  }
  return narrow;
}

/**
 * Values as bytes of `dtype`: their own memory where nothing changes, else rounded to 16 bits.
 *
 * @throws CheckpointError for a conversion other than float32 to `BF16` or `F16`.
 */
export function encodeElements(values: NumericArray, dtype: SafetensorsDtype, where: string): Uint8Array {
  if (values instanceof Float32Array && (dtype === "BF16" || dtype === "F16")) {
    return bytesOf(dtype === "BF16" ? toBfloat16(values) : toFloat16(values));
  }
  const isSame =
    (values instanceof Float32Array && dtype === "F32") ||
    (values instanceof Int32Array && dtype === "I32") ||
    (values instanceof Uint8Array && dtype === "BOOL");
  if (isSame) return bytesOf(values);
  throw new CheckpointError(
    `${where}: dtype (${dtype}) must be that of the values (${values.constructor.name}), or BF16 or F16 for float32; use the stored dtype.`,
  );
}

/** The bytes of a typed array, not copied. */
export function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Whether a file of element type `stored` can be loaded into a tensor of element type `wanted`. */
export function isLoadable(stored: SafetensorsDtype, wanted: string): boolean {
  return computeDtype(stored) === wanted;
}
