/**
 * Charts as inline SVG, drawn by echarts without a browser.
 *
 * Every chart is drawn twice, for wide and for narrow screens, because an SVG that is merely scaled down has letters that
 * nobody can read; a media query shows one of them.
 *
 * @packageDocumentation
 */
import { init, type EChartsOption } from "echarts";
import { escapeHtml, markup, rawHtml, type Html } from "./html.ts";

/**
 * Colours for chart options. echarts knows fixed colours only; these ones stand for the colours of the page, which
 * change with light and dark mode, and are replaced by `var(--name)` in the finished SVG.
 */
export const CHART_COLORS = {
  text: "#010101",
  grid: "#010102",
  axis: "#010103",
  primary: "#010104",
  secondary: "#010105",
  reference: "#010106",
  load0: "#010110",
  load1: "#010111",
  load2: "#010112",
  load3: "#010113",
  load4: "#010114",
  load5: "#010115",
  load6: "#010116",
  load7: "#010117",
} as const;

/** The size that a chart is drawn for. */
export interface ChartSize {
  readonly width: number;
  readonly height: number;
  readonly isNarrow: boolean;
}

const SIZES: readonly ChartSize[] = [
  { width: 880, height: 400, isNarrow: false },
  { width: 360, height: 320, isNarrow: true },
];

/**
 * Draws a chart.
 *
 * @param options - `id`: unique on the page; `title` and `description` are for readers who cannot see the chart;
 * `height`: of both drawings, in pixels, in place of the usual ones
 */
export function chart(
  draw: (size: ChartSize) => EChartsOption,
  options: {
    readonly id: string;
    readonly title: string;
    readonly description: string;
    readonly height?: number;
  },
): Html {
  const drawings = SIZES.map((usual) => {
    const size = { ...usual, height: options.height ?? usual.height };
    const suffix = size.isNarrow ? "narrow" : "wide";
    const svg = drawOne(draw(size), size, { ...options, id: `${options.id}-${suffix}` });
    return markup`<div class="chart ${suffix}">${rawHtml(svg)}</div>\n`;
  });
  return markup`${drawings}`;
}

function drawOne(
  option: EChartsOption,
  { width, height }: ChartSize,
  { id, title, description }: { readonly id: string; readonly title: string; readonly description: string },
): string {
  const instance = init(null, null, { renderer: "svg", ssr: true, width, height });
  try {
    instance.setOption({ animation: false, ...option });
    return adaptSvg(instance.renderToSVGString(), id)
      .replace(/^<svg /, `<svg role="img" aria-labelledby="${id}-title ${id}-desc" `)
      .replace(
        ">",
        `><title id="${id}-title">${escapeHtml(title)}</title><desc id="${id}-desc">${escapeHtml(description)}</desc>`,
      );
  } finally {
    instance.dispose();
  }
}

/** Page colours, unique ids, and none of the rules for pointers, which a picture does not need. */
function adaptSvg(svg: string, id: string): string {
  let adapted = svg
    .replace(/<style[^>]*>[\s\S]*?<\/style>/g, "")
    .replace(/ (?:class|ecmeta_\w+|pointer-events)="[^"]*"/g, "")
    .replace(/\bzr\d+-/g, `${id}-`);
  for (const [name, color] of Object.entries(CHART_COLORS))
    adapted = adapted.replaceAll(color, `var(--chart-${name})`);
  return adapted;
}
