/**
 * Text tables for the terminal and for Markdown.
 *
 * @packageDocumentation
 */

/** Rows of cells; every row has as many as the header. */
export interface Table {
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Columns padded with blanks: the first to the left, the others to the right. */
export function plainTable({ header, rows }: Table): string {
  const widths = columnWidths([header, ...rows]);
  return [header, ...rows].map((row) => paddedCells(row, widths).join("  ").trimEnd()).join("\n");
}

/** A Markdown table, laid out as prettier does. */
export function markdownTable({ header, rows }: Table): string {
  const widths = columnWidths([header, ...rows]).map((width) => Math.max(3, width));
  const rule = widths.map((width, column) =>
    column === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`,
  );
  return [paddedCells(header, widths), rule, ...rows.map((row) => paddedCells(row, widths))]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n");
}

function columnWidths(rows: readonly (readonly string[])[]): number[] {
  return rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
}

function paddedCells(row: readonly string[], widths: readonly number[]): string[] {
  return row.map((cell, column) =>
    column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!),
  );
}

/** A table with what it shows. */
export interface Section {
  readonly title: string;
  readonly table: Table;
}

/** Titles and tables for the terminal. */
export function plainSections(sections: readonly Section[]): string {
  return sections.map(({ title, table }) => `${title}\n${plainTable(table)}\n`).join("\n");
}
