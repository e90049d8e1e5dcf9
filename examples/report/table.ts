/**
 * Tables of a report.
 *
 * @packageDocumentation
 */
import { markup, type Html, type HtmlValue } from "./html.ts";

/** A column: numbers stand right, text left. */
export interface Column<Row> {
  readonly heading: string;
  readonly align?: "left" | "right";
  readonly cell: (row: Row) => HtmlValue;
}

/** A table with one line per row; the first column names the row. On a narrow screen it scrolls by itself. */
export function table<Row>(
  rows: readonly Row[],
  options: { readonly caption: string; readonly columns: readonly Column<Row>[]; readonly total?: Row },
): Html {
  const { caption, columns, total } = options;
  const head = columns.map(
    (column) => markup`<th scope="col" class="${classOf(column)}">${column.heading}</th>`,
  );
  const line = (row: Row) =>
    columns.map((column, index) =>
      index === 0
        ? markup`<th scope="row" class="${classOf(column)}">${column.cell(row)}</th>`
        : markup`<td class="${classOf(column)}">${column.cell(row)}</td>`,
    );
  const body = rows.map((row) => markup`<tr>${line(row)}</tr>\n`);
  const foot = total === undefined ? undefined : markup`<tfoot><tr>${line(total)}</tr></tfoot>`;
  return markup`<div class="scroll" tabindex="0" role="region" aria-label="${caption}"><table>
<caption>${caption}</caption>
<thead><tr>${head}</tr></thead>
<tbody>
${body}</tbody>
${foot}</table></div>`;
}

/** Names and values, one pair per line. */
export function pairs(values: Readonly<Record<string, HtmlValue>>): Html {
  const lines = Object.entries(values).map(
    ([name, value]) => markup`<div><dt>${name}</dt><dd>${value}</dd></div>\n`,
  );
  return markup`<dl class="pairs">${lines}</dl>`;
}

function classOf<Row>({ align }: Column<Row>): string {
  return align === "right" ? "number" : "text";
}
