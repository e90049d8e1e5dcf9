/**
 * Quantities as people read them.
 *
 * @packageDocumentation
 */

/** `"512 B"`, `"1.50 KiB"`, `"12.3 MiB"`; three significant digits. */
export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? formatNumber(value) : significant(value)} ${units[unit]!}`;
}

/** Milliseconds: `"0.42 ms"`, `"183 ms"`, `"2.05 s"`. */
export function formatMs(ms: number): string {
  return ms < 1000 ? `${significant(ms)} ms` : `${significant(ms / 1000)} s`;
}

/** At most three decimals, thousands separated: `"5,312.5"`. */
export function formatNumber(value: number): string {
  return Number.isFinite(value) ? value.toLocaleString("en-US", { maximumFractionDigits: 3 }) : String(value);
}

/** A loss in nats: `"2.137"`. */
export function formatLoss(loss: number): string {
  return loss.toFixed(3);
}

function significant(value: number): string {
  if (value >= 100) return formatNumber(Math.round(value));
  return value.toFixed(value >= 10 ? 1 : 2);
}
