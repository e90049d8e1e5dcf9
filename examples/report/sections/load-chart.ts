/**
 * The load of one layer of experts as a chart: heat map, imbalance, entropy and drop rate over the same steps.
 *
 * @packageDocumentation
 */
import type { LayerLoad } from "@meshwright/moe";
import type { EChartsOption, SeriesOption } from "echarts";
import { CHART_COLORS, type ChartSize } from "../chart.ts";
import { loadColumns, type LoadColumn } from "../load-cells.ts";

/** The most cells that one drawing has, so that a page of many layers stays small. */
const MAX_CELLS = { wide: 4000, narrow: 2000 };
const MAX_COLUMNS = { wide: 120, narrow: 60 };

/** Levels of load over the mean, each up to its bound. */
export const LOAD_LEVELS = [
  { upTo: 0, label: "none", color: "load0" },
  { upTo: 0.25, label: "to 0.25", color: "load1" },
  { upTo: 0.5, label: "to 0.5", color: "load2" },
  { upTo: 0.8, label: "to 0.8", color: "load3" },
  { upTo: 1.25, label: "even (to 1.25)", color: "load4" },
  { upTo: 2, label: "to 2", color: "load5" },
  { upTo: 3, label: "to 3", color: "load6" },
  { upTo: Infinity, label: "above 3", color: "load7" },
] as const;

/** Pixels of a chart from top to bottom: heat map, then for each curve a gap and the curve, then the axis of steps. */
const HEIGHTS = { top: 4, gap: 42, curve: 74, bottom: 46 };

/** Height of the chart of a layer: room for every expert, within bounds. */
export function loadChartHeight(numExperts: number): number {
  return HEIGHTS.top + heatHeight(numExperts) + 2 * (HEIGHTS.gap + HEIGHTS.curve) + HEIGHTS.bottom;
}

function heatHeight(numExperts: number): number {
  return Math.min(320, Math.max(120, 20 * numExperts));
}

/** Heat map above, imbalance below it, then entropy and, where anything is dropped, the drop rate. */
export function loadChart(load: LayerLoad, { isNarrow }: ChartSize): EChartsOption {
  const size = isNarrow ? "narrow" : "wide";
  const maxColumns = Math.max(1, Math.min(MAX_COLUMNS[size], Math.floor(MAX_CELLS[size] / load.numExperts)));
  const columns = loadColumns(load, { maxColumns });
  const sides = { left: isNarrow ? 46 : 62, right: isNarrow ? 12 : 20 };
  const label = { color: CHART_COLORS.text, fontSize: isNarrow ? 10 : 12 };
  const title = { name: "step", nameLocation: "middle" as const, nameGap: 26, nameTextStyle: label };
  const steps = { ...stepAxis(load, label), splitNumber: isNarrow ? 3 : 6 };
  return {
    grid: gridHeights(load).map((place) => ({ ...sides, ...place })),
    visualMap: {
      ...{ type: "piecewise", show: false, seriesIndex: 0, dimension: 2 },
      // The cells hold the number of their level.
      pieces: LOAD_LEVELS.map(({ color }, value) => ({ value, color: CHART_COLORS[color] })),
    },
    xAxis: [
      { ...columnAxis(columns), gridIndex: 0 },
      { ...steps, gridIndex: 1 },
      { ...steps, ...title, gridIndex: 2 },
    ],
    yAxis: [
      { ...expertAxis(load, label), gridIndex: 0 },
      { ...imbalanceAxis(label), gridIndex: 1 },
      { ...shareAxis(load, label), gridIndex: 2 },
    ],
    series: [cells(columns), ...curves(load)],
  };
}

function gridHeights({ numExperts }: LayerLoad): { readonly top: number; readonly height: number }[] {
  const heat = { top: HEIGHTS.top, height: heatHeight(numExperts) };
  const upper = { top: heat.top + heat.height + HEIGHTS.gap, height: HEIGHTS.curve };
  return [heat, upper, { ...upper, top: upper.top + upper.height + HEIGHTS.gap }];
}

function columnAxis(columns: readonly LoadColumn[]) {
  return {
    type: "category" as const,
    data: columns.map(({ steps: [from] }) => String(from)),
    ...{ axisLabel: { show: false }, axisTick: { show: false }, axisLine: { show: false } },
  };
}

interface Label {
  readonly color: string;
  readonly fontSize: number;
}

function stepAxis({ steps }: LayerLoad, label: Label) {
  const line = { show: true, lineStyle: { color: CHART_COLORS.axis } };
  return {
    type: "value" as const,
    ...{ min: steps[0]!, max: Math.max(steps.at(-1)!, steps[0]! + 1) },
    ...{ axisLabel: label, axisLine: line, axisTick: line, splitLine: { show: false } },
  };
}

function expertAxis({ numExperts }: LayerLoad, label: Label) {
  return {
    type: "category" as const,
    data: Array.from({ length: numExperts }, (_, expert) => String(expert)),
    ...{ inverse: true, axisTick: { show: false }, axisLine: { show: false }, axisLabel: label },
    ...{ name: "expert", nameLocation: "middle" as const, nameGap: 30, nameTextStyle: label },
  };
}

/** From 1 to at least 2, so that noise does not look like a trend. */
function imbalanceAxis(label: Label) {
  return {
    ...valueAxis("imbalance", label),
    ...{ min: 1, max: ({ max }: { readonly max: number }) => Math.max(2, Math.ceil(max)) },
  };
}

/** From 0 to 1. */
function shareAxis({ dropRate }: LayerLoad, label: Label) {
  const hasDrops = dropRate.some((rate) => rate > 0);
  const rich = { entropy: { color: CHART_COLORS.primary }, drops: { color: CHART_COLORS.secondary } };
  const axis = valueAxis(hasDrops ? "{entropy|entropy}   {drops|drop rate}" : "entropy", label);
  return {
    ...axis,
    ...{ min: 0, max: 1, interval: 0.5, nameTextStyle: { ...axis.nameTextStyle, ...(hasDrops && { rich }) } },
  };
}

function valueAxis(name: string, label: Label) {
  return {
    type: "value" as const,
    ...{
      name,
      nameLocation: "end" as const,
      nameGap: 8,
      nameTextStyle: { ...label, align: "left" as const },
    },
    ...{ axisLabel: label, splitNumber: 3, splitLine: { lineStyle: { color: CHART_COLORS.grid } } },
  };
}

function cells(columns: readonly LoadColumn[]): SeriesOption {
  return {
    type: "heatmap",
    ...{ xAxisIndex: 0, yAxisIndex: 0, silent: true },
    data: columns.flatMap(({ loads }, column) =>
      loads.map((load, expert) => [column, expert, LOAD_LEVELS.findIndex(({ upTo }) => load <= upTo)]),
    ),
    itemStyle: { borderWidth: 0 },
  };
}

function curves({ steps, imbalance, entropy, dropRate }: LayerLoad): SeriesOption[] {
  const { primary, secondary } = CHART_COLORS;
  const curve = (axis: number, values: readonly number[], color: string): SeriesOption => ({
    type: "line",
    ...{ xAxisIndex: axis, yAxisIndex: axis, symbol: "none", sampling: "lttb", silent: true },
    data: values.map((value, i) => [steps[i]!, value]),
    ...{ lineStyle: { color, width: 1.75 }, itemStyle: { color } },
  });
  const drops = dropRate.some((rate) => rate > 0) ? [curve(2, dropRate, secondary)] : [];
  return [curve(1, imbalance, primary), curve(2, entropy, primary), ...drops];
}
