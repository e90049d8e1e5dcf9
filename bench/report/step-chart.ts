/**
 * The training step as a bar chart: fastest step of every way to run, split by what it does.
 *
 * @packageDocumentation
 */
import type { StepBenchResult, StepFigure } from "../step/run.ts";
import { svgChart, text } from "./svg-chart.ts";

const WIDTH = 720;
const LEFT = 96;
const RIGHT = 150;
const BAR = 22;
const ROW = 32;
const TITLE = 34;
const PARTS = [
  {
    name: "matrix products",
    color: "#2b6cb0",
    has: (kernel: string) => /^(BatchMatMul|Linear)/.test(kernel),
  },
  { name: "other kernels", color: "#90cdf4", has: (kernel: string) => /^[A-Z_]/.test(kernel) },
  { name: "collectives and waiting", color: "#ed8936", has: () => true },
] as const;
const REST = { name: "outside kernels", color: "#cbd5e0" } as const;

/** A self-contained SVG; one group of bars per model. */
export function stepChart({ models }: StepBenchResult): string {
  const rows: string[] = [];
  let y = 40;
  for (const { sizes, figures } of models) {
    const longest = Math.max(...figures.map(({ stepMs }) => stepMs.min));
    rows.push(text(LEFT, y + 18, `hidden ${sizes.features}, ${sizes.layers} layers`, { weight: 600 }));
    y += TITLE;
    for (const figure of figures) {
      rows.push(bar(figure, y, (WIDTH - LEFT - RIGHT) / longest));
      y += ROW;
    }
    y += 12;
  }
  return svgChart([legend(), ...rows], {
    width: WIDTH,
    height: y,
    label: "Milliseconds of a training step in plain tfjs, on 1 rank, under tp=2 and dp=2",
  });
}

function bar(figure: StepFigure, y: number, pixelsPerMs: number): string {
  const shares = sharesOf(figure);
  let x = LEFT;
  const pieces = shares.map(({ color, share }) => {
    const width = share * figure.stepMs.min * pixelsPerMs;
    const piece = `<rect x="${x.toFixed(1)}" y="${y}" width="${width.toFixed(1)}" height="${BAR}" fill="${color}"/>`;
    x += width;
    return piece;
  });
  const label = `${figure.stepMs.min.toFixed(0)} ms, ${figure.fastestSpeedup.toFixed(2)}x`;
  return [text(LEFT - 8, y + 16, figure.name, { anchor: "end" }), ...pieces, text(x + 8, y + 16, label)].join(
    "\n",
  );
}

/** What the profiled step spent on each part, as shares of it. */
function sharesOf({
  profile: { kernels, ms: stepMs },
}: StepFigure): { readonly color: string; readonly share: number }[] {
  const spent = PARTS.map(({ color }, index) => {
    const mine = kernels.filter(({ name }) => PARTS.findIndex(({ has }) => has(name)) === index);
    return { color, share: mine.reduce((sum, { ms }) => sum + ms, 0) / stepMs };
  });
  const rest = 1 - spent.reduce((sum, { share }) => sum + share, 0);
  return [...spent, { color: REST.color, share: Math.max(0, rest) }];
}

function legend(): string {
  let x = LEFT;
  return [...PARTS, REST]
    .map(({ name, color }) => {
      const entry = `<rect x="${x}" y="14" width="12" height="12" fill="${color}"/>${text(x + 18, 25, name)}`;
      x += 42 + 7 * name.length;
      return entry;
    })
    .join("\n");
}
