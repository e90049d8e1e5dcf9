/**
 * What the bar charts of this folder are made of.
 *
 * @packageDocumentation
 */

const INK = "#1f2933";

/** A line of text; `y` is its baseline. */
export function text(
  x: number,
  y: number,
  content: string,
  { anchor = "start", weight = 400 }: { readonly anchor?: "start" | "end"; readonly weight?: number } = {},
): string {
  return `<text x="${x.toFixed(1)}" y="${y}" fill="${INK}" text-anchor="${anchor}" font-weight="${weight}">${content}</text>`;
}

/** A self-contained SVG on white; `label` says to readers that do not see it what it shows. */
export function svgChart(
  rows: readonly string[],
  { width, height, label }: { readonly width: number; readonly height: number; readonly label: string },
): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, sans-serif" font-size="13" role="img" aria-label="${label}">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    ...rows,
    "</svg>\n",
  ].join("\n");
}
