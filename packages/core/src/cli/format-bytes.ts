/**
 * Sizes for people.
 *
 * @packageDocumentation
 */

const UNITS = ["B", "kB", "MB", "GB", "TB"];

/** `576 B`, `1.2 MB`: decimal units, as disks have. */
export function formatBytes(bytes: number): string {
  let unit = 0;
  let size = bytes;
  while (size >= 1000 && unit < UNITS.length - 1) {
    size /= 1000;
    unit++;
  }
  return `${unit === 0 ? size : size.toFixed(1)} ${UNITS[unit]!}`;
}
