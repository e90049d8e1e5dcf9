/**
 * Makes an addon as tfjs-node ships it safe for several threads.
 *
 * The addon keeps the attribute names of all operations in one set of the process and inserts into it without a lock:
 * two threads that meet a new name at once crash the process. A set that already holds every name is only read.
 * `meshwright engine install` builds the addon with a lock and needs none of this.
 *
 * @packageDocumentation
 */
import { ATTRIBUTE_NAMES } from "./attribute-names.ts";
import type { NativeBinding } from "./load-backend.ts";

/** Inserts every name. Call it in the main thread, before any other thread loads the addon. */
export function preloadAttributeNames(binding: NativeBinding): void {
  const { TF_FLOAT: value, TF_ATTR_TYPE: type } = binding;
  const attributes = ATTRIBUTE_NAMES.map((name) => ({ name, type, value }));
  try {
    // The addon reads the attributes before the number of outputs, finds that to be none, and runs nothing.
    binding.executeOp("Identity", attributes, [], undefined);
  } catch {
    // As intended.
  }
}
