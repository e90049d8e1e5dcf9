/**
 * Whether tests of the tensorflow engine can run on this machine.
 *
 * @packageDocumentation
 */
import { locateNativeParts } from "../tensorflow/locate.ts";

/** Undefined where there is a native library, else why not, to append to the name of the tests that are skipped. */
export function nativeLibraryMissing(): string | undefined {
  const { parts, misses } = locateNativeParts();
  return parts.length > 0 ? undefined : ` (${misses.join("; ")}; meshwright engine install gets one)`;
}
