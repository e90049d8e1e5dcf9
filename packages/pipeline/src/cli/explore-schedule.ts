/**
 * What `meshwright schedule` shows: a schedule by name, simulated and drawn.
 *
 * @packageDocumentation
 */
import { ContractError, toChromeTrace } from "@meshwright/core";
import type { Schedule } from "../schedule.ts";
import { createSchedule } from "../schedules/create-schedule.ts";
import { splitOverChunks } from "../simulate/costs.ts";
import { simulate, type Simulation } from "../simulate/simulate.ts";
import type { Timeline } from "../timeline-record.ts";
import { drawSvg } from "../timeline/draw-svg.ts";
import { drawText } from "../timeline/draw-text.ts";
import { toTraceEvents } from "../timeline/to-trace.ts";

type Costs = readonly [forward: number, inputGradient: number, weightGradient: number];

/** The options of the command. */
export interface ExploreScheduleOptions {
  /** A name that `createSchedule` knows. */
  readonly name: string;
  /** p: ranks of the pipeline, each with `chunks` stages of the model. */
  readonly stages: number;
  /** m. */
  readonly microBatches: number;
  /** v (default: the schedule's own). */
  readonly chunks?: number | undefined;
  /** Default `false`. */
  readonly recompute?: boolean | undefined;
  /** Of one micro-batch on one rank, all its chunks together: F, I and W (default 1, 1, 1). `B` takes I + W. */
  readonly costs?: Costs | undefined;
  /** Between two ranks, in the unit of the costs (default 0). */
  readonly latency?: number | undefined;
  /** Most columns of the drawing (default 100). */
  readonly width?: number | undefined;
  /** ANSI colours (default `false`). */
  readonly color?: boolean | undefined;
}

/** The schedule in every form that the command prints or writes. */
export interface ScheduleExploration {
  /** The figures and the drawing for the terminal. */
  readonly text: string;
  readonly svg: string;
  /**
   * An object: the settings (`name`, `stages`, `microBatches`, `chunks`, `recompute`, `costs`, `latency`), the figures
   * (`makespan`, `bubbleGlobal`, `bubbleSpan`, `efficiency`, `peakLive[rank]`), and the schedule (`placement[rank][chunk]` is
   * the stage; `actions[rank]` lists what the rank does).
   */
  readonly json: string;
  /** Chrome trace JSON, for Perfetto. */
  readonly trace: string;
}

/** Boxes that tell what they are double the size of a drawing; beyond this they would make it megabytes. */
const MOST_TOOLTIPS = 10_000;

/** Room for two digits. */
const PIXELS_PER_ACTION = 16;

/**
 * Simulates a schedule and shows it as text, SVG, JSON and Chrome trace.
 *
 * @example
 * ```ts
 * console.log(exploreSchedule({ name: "zb-h1", stages: 4, microBatches: 8 }).text); // makespan 27 ...
 * ```
 * @throws ContractError, in the words of the command line, if there is no such schedule for these sizes, or a cost cannot be used.
 */
export function exploreSchedule(options: ExploreScheduleOptions): ScheduleExploration {
  return inWordsOfFlags(() => {
    const { costs = [1, 1, 1], latency = 0, width = 100, color = false } = options;
    const schedule = scheduleFor(options);
    const [forward, inputGradient, weightGradient] = costs;
    const perChunk = splitOverChunks(schedule, { forward, inputGradient, weightGradient });
    const simulation = simulate(schedule, { ...perChunk, latencyMs: latency });
    const title = titleOf(schedule, costs, latency);
    const timeline: Timeline = { ...simulation.timeline, name: title };
    // The drawing's own heading says less than the figures above it.
    const [, ...rows] = drawText(timeline, { width, color }).split("\n");
    return {
      text: [title, figures(simulation), rows.join("\n")].join("\n\n"),
      svg: drawSvg([timeline], {
        id: "schedule",
        width: svgWidth(timeline),
        hasTooltips: timeline.events.length <= MOST_TOOLTIPS,
      }),
      json: toJson({ ...settingsOf(schedule), costs, latency, ...resultOf(simulation, schedule) }),
      trace: toChromeTrace(toTraceEvents(timeline, { memory: simulation.memory })),
    };
  });
}

/** Wide enough for the numbers of the micro-batches, within what a screen can show. */
function svgWidth({ makespan, events }: Timeline): number {
  const shortest = events.reduce(
    (least, { start, end }) => (end > start ? Math.min(least, end - start) : least),
    Infinity,
  );
  return Math.round(Math.min(2400, Math.max(960, 80 + (makespan / shortest) * PIXELS_PER_ACTION)));
}

function scheduleFor({
  name,
  stages,
  microBatches,
  chunks,
  recompute = false,
}: ExploreScheduleOptions): Schedule {
  return createSchedule(name, {
    numRanks: stages,
    numMicroBatches: microBatches,
    recompute,
    ...(chunks === undefined ? {} : { chunksPerRank: chunks }),
  });
}

/** Names of the library, and the flags that stand for them. */
const FLAGS: ReadonlyMap<string, string> = new Map([
  ["numMicroBatches", "--micro-batches"],
  ["numRanks", "--stages"],
  ["chunksPerRank", "--chunks"],
  ["recompute", "--recompute"],
  ["name", "--name"],
  ["forward", "F of --costs"],
  ["inputGradient", "I of --costs"],
  ["weightGradient", "W of --costs"],
  ["latencyMs", "--latency"],
  ["width", "--width"],
]);

/** Errors of the library on one line, with the flags of the command line for the names of the library. */
function inWordsOfFlags<T>(body: () => T): T {
  try {
    return body();
  } catch (error) {
    if (!(error instanceof ContractError)) throw error;
    const [, text = error.message] = /^[^:]*:\s*(?:- )?([^]*)$/.exec(error.message) ?? [];
    const inFlags = text
      .replaceAll(/\s*\n\s*(?:- )?/g, " ")
      .replaceAll(/\b[a-z]+[A-Z]\w*|\b\w+(?= \()/g, (word) => FLAGS.get(word) ?? word);
    throw new ContractError(`meshwright schedule: ${inFlags}`, { cause: error });
  }
}

function titleOf(schedule: Schedule, costs: Costs, latency: number): string {
  const { stages, microBatches, chunks, name, recompute } = settingsOf(schedule);
  const [forward, inputGradient, weightGradient] = costs;
  const parts = [
    `${stages} stages`,
    `${microBatches} micro-batches`,
    ...(chunks > 1 ? [`${chunks} chunks`] : []),
    ...(recompute ? ["recompute"] : []),
    `F ${forward}, I ${inputGradient}, W ${weightGradient}`,
    ...(latency > 0 ? [`latency ${latency}`] : []),
  ];
  return `${name}: ${parts.join(", ")}`;
}

function settingsOf({ name, numRanks, numMicroBatches, stages, recompute }: Schedule) {
  return { name, stages: numRanks, microBatches: numMicroBatches, chunks: stages[0]!.length, recompute };
}

function resultOf(simulation: Simulation, schedule: Schedule) {
  const { makespan, bubbleGlobal, bubbleSpan, efficiency, peakLive } = simulation;
  const { stages: placement, actions } = schedule;
  return { makespan, bubbleGlobal, bubbleSpan, efficiency, peakLive, placement, actions };
}

function figures({ makespan, efficiency, bubbleGlobal, bubbleSpan, peakLive }: Simulation): string {
  const lines: readonly (readonly [string, string, string])[] = [
    ["makespan", String(Number(makespan.toPrecision(6))), "in the unit of the costs"],
    ["efficiency", efficiency.toFixed(4), "share of all ranks' time that is useful work"],
    ["bubbleGlobal", bubbleGlobal.toFixed(4), "idle share of all ranks' time"],
    ["bubbleSpan", bubbleSpan.toFixed(4), "idle share between each rank's first and last action"],
    ["peakLive", peakLive.join(" "), "micro-batches kept by rank 0, 1, ... (of one chunk each)"],
  ];
  const nameWidth = Math.max(...lines.map(([name]) => name.length));
  const valueWidth = Math.max(...lines.map(([, value]) => value.length));
  return lines
    .map(([name, value, meaning]) => `${name.padEnd(nameWidth)}  ${value.padEnd(valueWidth)}  ${meaning}`)
    .join("\n");
}

/** One line per property, and one per rank of the actions. */
function toJson({
  actions,
  ...rest
}: {
  readonly actions: Schedule["actions"];
  readonly [key: string]: unknown;
}): string {
  const lines = Object.entries(rest).map(
    ([key, value]) => `  ${JSON.stringify(key)}: ${JSON.stringify(value)}`,
  );
  const rows = actions.map((row) => `    ${JSON.stringify(row)}`);
  return `{\n${[...lines, `  "actions": [\n${rows.join(",\n")}\n  ]`].join(",\n")}\n}\n`;
}
