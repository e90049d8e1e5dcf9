/**
 * The loss curve as a chart.
 *
 * @packageDocumentation
 */
import type { EChartsOption, LineSeriesOption } from "echarts";
import { CHART_COLORS, type ChartSize } from "../chart.ts";
import type { ReportData } from "../report-data.ts";
import { halfWidthFor, smooth } from "../smooth.ts";

type LossData = Pick<ReportData, "losses" | "validation" | "unigramEntropy">;

/** A point of a curve; `"-"` is a gap. */
type Point = [number, number | "-"];

/** Legend symbols that look like their curve: thin, thick, with a point, dashed. */
const ICONS = {
  "training, each step": "path://M0 4.5h24v1.5h-24z",
  "training, smoothed": "path://M0 3.5h24v3h-24z",
  validation: "path://M0 4h8a4 4 0 0 1 8 0h8v2h-8a4 4 0 0 1 -8 0h-8z",
  "unigram entropy": "path://M0 4h6v2h-6zM9 4h6v2h-6zM18 4h6v2h-6z",
} as const;
type CurveName = keyof typeof ICONS;

/** Training loss per step (light) and smoothed, validation points, unigram entropy as a dashed line. */
export function lossChart(data: LossData, { isNarrow }: ChartSize): EChartsOption {
  const series = curves(data);
  const fontSize = isNarrow ? 11 : 13;
  const label = { color: CHART_COLORS.text, fontSize };
  return {
    legend: {
      top: 0,
      left: "center",
      itemGap: isNarrow ? 8 : 18,
      itemWidth: isNarrow ? 18 : 24,
      itemHeight: 10,
      textStyle: label,
      selectedMode: false,
      data: series.map(({ name }) => ({ name, icon: ICONS[name] })),
    },
    grid: { left: isNarrow ? 52 : 62, right: isNarrow ? 12 : 20, top: isNarrow ? 64 : 40, bottom: 48 },
    xAxis: {
      ...axis("step", 28, label),
      min: 0,
      max: Math.max(data.losses.length, ...data.validation.map(({ step }) => step)),
      splitNumber: isNarrow ? 4 : 8,
      splitLine: { show: false },
    },
    yAxis: {
      ...axis("loss (nats per token)", isNarrow ? 34 : 42, label),
      scale: true,
      splitLine: { lineStyle: { color: CHART_COLORS.grid } },
    },
    series,
  };
}

function axis(name: string, nameGap: number, label: { readonly color: string; readonly fontSize: number }) {
  return {
    type: "value" as const,
    name,
    nameLocation: "middle" as const,
    nameGap,
    nameTextStyle: label,
    axisLabel: label,
    axisLine: { show: true, lineStyle: { color: CHART_COLORS.axis } },
    axisTick: { lineStyle: { color: CHART_COLORS.axis } },
  };
}

/** A curve with its name in the legend. */
type Curve = LineSeriesOption & { readonly name: CurveName };

function curves({ losses, validation, unigramEntropy }: LossData): Curve[] {
  const { primary, secondary, reference } = CHART_COLORS;
  const perStep = losses.map((loss, index): Point => [index + 1, finite(loss)]);
  const smoothed = smooth(losses, { halfWidth: halfWidthFor(losses.length) });
  const lines = [
    line("training, each step", perStep, { color: primary, width: 1, opacity: 0.35 }),
    line(
      "training, smoothed",
      smoothed.map((loss, index): Point => [index + 1, finite(loss)]),
      { color: primary, width: 2.5 },
    ),
  ];
  if (validation.length > 0) {
    const points = validation.map(({ step, loss }): Point => [step, finite(loss)]);
    const validationLine = line("validation", points, { color: secondary, width: 1.5 });
    lines.push({ ...validationLine, showSymbol: true, symbol: "circle", symbolSize: 8 });
  }
  if (unigramEntropy !== undefined) {
    const end = Math.max(losses.length, ...validation.map(({ step }) => step));
    const ends: Point[] = [0, end].map((step): Point => [step, unigramEntropy]);
    lines.push(line("unigram entropy", ends, { color: reference, width: 1.5, type: [6, 4] }));
  }
  return lines;
}

function line(
  name: CurveName,
  data: Point[],
  { color, ...lineStyle }: NonNullable<LineSeriesOption["lineStyle"]> & { readonly color: string },
): Curve {
  return {
    type: "line",
    name,
    data,
    lineStyle: { color, ...lineStyle },
    itemStyle: { color, opacity: lineStyle.opacity ?? 1 },
    symbol: "none",
    sampling: "lttb", // keeps the shape of a long curve with at most one point per pixel
    silent: true,
  };
}

function finite(loss: number): number | "-" {
  return Number.isFinite(loss) ? loss : "-";
}
