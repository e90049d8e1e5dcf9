/**
 * Checks labels and indices on the host; they are few.
 *
 * @packageDocumentation
 */
import type { TensorInfo } from "@tensorflow/tfjs";
import { InternalError } from "../../errors.ts";
import { checkLabels, type CrossEntropyAttrs } from "../../kernels/cross-entropy-parts.ts";
import type { NativeBackend } from "./native-backend.ts";

/** @throws ContractError that names the first label outside its range. */
export function checkLabelsOf(native: NativeBackend, labels: TensorInfo, attrs: CrossEntropyAttrs): void {
  checkLabels(integersOf(native, labels), attrs);
}

/** The elements of an int32 tensor. */
export function integersOf(native: NativeBackend, info: TensorInfo): Int32Array {
  const values = native.read(info);
  if (values instanceof Int32Array) return values;
  throw new InternalError(`a ${info.dtype} tensor where int32 is needed`);
}
