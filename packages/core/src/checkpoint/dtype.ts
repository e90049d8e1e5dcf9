/**
 * Element types of safetensors files.
 *
 * @packageDocumentation
 */

/** Bytes of an element. */
const ELEMENT_BYTES = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E4M3: 1,
  F8_E5M2: 1,
  F8_E8M0: 1,
  I16: 2,
  U16: 2,
  F16: 2,
  BF16: 2,
  I32: 4,
  U32: 4,
  F32: 4,
  C64: 8,
  I64: 8,
  U64: 8,
  F64: 8,
} as const;

/** Element types that a file may have. Those of tfjs are `F32`, `I32` and `BOOL`. */
export type SafetensorsDtype = keyof typeof ELEMENT_BYTES;

/** The element types that tfjs computes with. */
export type ComputeDtype = "float32" | "int32" | "bool";

/** Bytes of one element. */
export function elementBytes(dtype: SafetensorsDtype): number {
  return ELEMENT_BYTES[dtype];
}

/** Whether a header's word is an element type that we know. */
export function isSafetensorsDtype(word: unknown): word is SafetensorsDtype {
  return typeof word === "string" && Object.hasOwn(ELEMENT_BYTES, word);
}

/** How the element types of tfjs are stored. */
export function storedDtype(dtype: ComputeDtype): SafetensorsDtype {
  switch (dtype) {
    case "float32":
      return "F32";
    case "int32":
      return "I32";
    case "bool":
      return "BOOL";
  }
}

/** What tfjs computes with after reading; undefined where there is no such type. */
export function computeDtype(dtype: SafetensorsDtype): ComputeDtype | undefined {
  switch (dtype) {
    case "F32":
    case "F16":
    case "BF16":
    case "F64":
      return "float32";
    case "BOOL":
      return "bool";
    case "U8":
    case "I8":
    case "I16":
    case "U16":
    case "I32":
    case "U32":
    case "I64":
    case "U64":
      return "int32";
    case "F8_E4M3":
    case "F8_E5M2":
    case "F8_E8M0":
    case "C64":
      return undefined;
  }
}
