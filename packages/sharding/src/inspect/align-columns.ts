/**
 * Tables as text.
 *
 * @packageDocumentation
 */

/** Pads cells to columns, two blanks apart; the last `right` columns are aligned at their right. One line per row. */
export function alignColumns(
  rows: readonly (readonly string[])[],
  { right }: { readonly right: number },
): string {
  const widths = rows[0]!.map((_, c) => Math.max(...rows.map((row) => row[c]!.length)));
  const firstRight = widths.length - right;
  const lines = rows.map((row) =>
    row.map((cell, c) => (c < firstRight ? cell.padEnd(widths[c]!) : cell.padStart(widths[c]!))).join("  "),
  );
  return lines.map((line) => `${line.trimEnd()}\n`).join("");
}
