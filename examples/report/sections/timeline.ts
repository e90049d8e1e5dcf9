/**
 * The section with what the ranks of a pipeline did when.
 *
 * @packageDocumentation
 */
import { bubbleReport, drawSvg, type Timeline } from "@meshwright/pipeline";
import { markup, rawHtml, type Html } from "../html.ts";
import { formatNumber } from "../quantity.ts";
import type { Section } from "../section.ts";
import { table } from "../table.ts";
import type { TimelineData, Timelines } from "../timeline-data.ts";

/** The drawings for wide and for narrow screens, as those of `chart`. */
const DRAWINGS = [
  { screen: "wide", width: 880, hasTooltips: true },
  { screen: "narrow", width: 360, hasTooltips: false },
] as const;

/**
 * The timelines on one scale, predicted above measured, and their figures beside each other. Where the prediction is in
 * abstract costs each has a scale of its own, and times have no ratio.
 *
 * The bubble is idle time: of all ranks in the whole step, and of each rank between its own first and last work. Efficiency is
 * the rest of the whole step; recomputation counts as work.
 */
export const timelineSection: Section<TimelineData> = ({ timelines }) => {
  if (timelines === undefined) return undefined;
  return { heading: "Pipeline", body: markup`${drawings(timelines)}${figures(timelines)}` };
};

function drawings({ predicted, measured }: Timelines): Html[] {
  const groups =
    predicted === undefined
      ? [[measured]]
      : predicted.unit === measured.unit
        ? [[predicted, measured]]
        : [[predicted], [measured]];
  return groups.flatMap((group, index) =>
    DRAWINGS.map(({ screen, width, hasTooltips }) => {
      const svg = drawSvg(group, { id: `timeline-${index}-${screen}`, width, hasTooltips });
      return markup`<div class="chart ${screen}">${rawHtml(svg)}</div>\n`;
    }),
  );
}

/** A figure of a timeline. */
interface Figure {
  readonly name: string;
  readonly valueOf: (timeline: Timeline) => number;
  readonly format: (value: number, timeline: Timeline) => string;
  /** Whether it is a time, so that a ratio needs one unit. */
  readonly isTime?: boolean;
}

const FIGURES: readonly Figure[] = [
  {
    name: "Makespan",
    valueOf: ({ makespan }) => makespan,
    format: (value, { unit }) => `${formatNumber(value)} ${unit}`,
    isTime: true,
  },
  {
    name: "Bubble, whole step",
    valueOf: (timeline) => bubbleReport(timeline).bubbleGlobal,
    format: percent,
  },
  {
    name: "Bubble, own span",
    valueOf: (timeline) => bubbleReport(timeline).bubbleSpan,
    format: percent,
  },
  {
    name: "Efficiency",
    valueOf: (timeline) => 1 - bubbleReport(timeline).bubbleGlobal,
    format: percent,
  },
];

function figures({ predicted, measured }: Timelines): Html {
  const name = { heading: "Figure", cell: (figure: Figure) => figure.name };
  const column = (heading: string, timeline: Timeline) => ({
    heading,
    align: "right" as const,
    cell: ({ valueOf, format }: Figure) => format(valueOf(timeline), timeline),
  });
  const columns =
    predicted === undefined
      ? [name, column("Measured", measured)]
      : [
          name,
          column("Predicted", predicted),
          column("Measured", measured),
          {
            heading: "Measured / predicted",
            align: "right" as const,
            cell: (figure: Figure) => ratio(figure, predicted, measured),
          },
        ];
  return table(FIGURES, { caption: "One step of the pipeline", columns });
}

function ratio({ valueOf, isTime = false }: Figure, predicted: Timeline, measured: Timeline): string {
  const divisor = valueOf(predicted);
  if (divisor === 0 || (isTime && predicted.unit !== measured.unit)) return "–";
  return (valueOf(measured) / divisor).toFixed(3);
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)}%`;
}
