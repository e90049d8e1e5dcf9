/**
 * Sizes for people.
 *
 * @packageDocumentation
 */
import prettyBytes from "pretty-bytes";

/** `576 B`, `1.2 MB`: decimal units, as disks have. */
export function formatBytes(bytes: number): string {
  return prettyBytes(bytes, { maximumFractionDigits: 1 });
}
