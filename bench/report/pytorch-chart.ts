/**
 * The training step beside PyTorch's as a bar chart: fastest step of every way to run, and the limit of one core.
 *
 * @packageDocumentation
 */
import type { PytorchBenchResult } from "../pytorch/run.ts";
import { svgChart, text } from "./svg-chart.ts";

const WIDTH = 760;
const LEFT = 190;
const RIGHT = 150;
const BAR = 20;
const ROW = 28;
const TITLE = 34;
const LIMIT = "#c53030";

/** A self-contained SVG; one group of bars per model. */
export function pytorchChart({ models }: Pick<PytorchBenchResult, "models">): string {
  const rows: string[] = [];
  let y = 12;
  for (const { sizes, figures, limitMs } of models) {
    const longest = Math.max(...figures.map(({ stepMs }) => stepMs.min));
    const pixelsPerMs = (WIDTH - LEFT - RIGHT) / longest;
    rows.push(
      text(LEFT, y + 20, `hidden ${sizes.features}, ${sizes.layers} layers: ms per step, fastest`, {
        weight: 600,
      }),
    );
    y += TITLE;
    for (const { name, ranks, stepMs, fastestOfTorch } of figures) {
      const width = stepMs.min * pixelsPerMs;
      const limit = LEFT + (limitMs / ranks) * pixelsPerMs;
      rows.push(
        text(LEFT - 8, y + 15, name, { anchor: "end" }),
        `<rect x="${LEFT}" y="${y}" width="${width.toFixed(1)}" height="${BAR}" fill="${colorOf(name)}"/>`,
        `<line x1="${limit.toFixed(1)}" y1="${y - 2}" x2="${limit.toFixed(1)}" y2="${y + BAR + 2}" stroke="${LIMIT}" stroke-width="2"/>`,
        text(LEFT + width + 8, y + 15, `${stepMs.min.toFixed(0)} ms, ${fastestOfTorch.toFixed(2)}x`),
      );
      y += ROW;
    }
    y += 10;
  }
  rows.push(text(LEFT, y + 14, "red: the limit of as many cores; x: times PyTorch on 1 rank"));
  y += 28;
  return svgChart(rows, {
    width: WIDTH,
    height: y,
    label: "Milliseconds of a training step of Meshwright, plain tfjs-node and PyTorch",
  });
}

function colorOf(name: string): string {
  if (name.startsWith("PyTorch")) return "#ed8936";
  return name.startsWith("Meshwright") ? "#2b6cb0" : "#cbd5e0";
}
