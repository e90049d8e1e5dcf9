/**
 * A timeline as trace events, for Perfetto (https://ui.perfetto.dev).
 *
 * @packageDocumentation
 */
import type { TraceEvent } from "@meshwright/core";
import type { Timeline, TimelineEvent } from "../timeline-record.ts";
import { memoryOverTime, type MemorySample } from "../simulate/memory.ts";
import { KIND_NAMES, labelOf, rowsOf } from "./rows.ts";

/** What goes into the trace beside the timeline. */
export interface ToTraceOptions {
  /**
   * The row below each rank (default `"pipeline"`). With a name of its own, a timeline lies beside others in one trace; its
   * counters carry the name too.
   */
  readonly track?: string;
  /** When the step started, in milliseconds since the Unix epoch (default 0): lines up with other events of a run. */
  readonly startMs?: number;
  /** `memory[rank]`, as `simulate` gives it (default: counted from the events, without bytes). */
  readonly memory?: readonly (readonly MemorySample[])[];
}

const DEFAULT_TRACK = "pipeline";

/**
 * A span per piece of work and a counter per change of the live activations, on the track of its rank. One unit of abstract
 * cost becomes 1 ms.
 *
 * @example
 * ```ts
 * const events = [...toTraceEvents(simulated, { track: "predicted" }), ...toTraceEvents(measured, { track: "measured" })];
 * writeFileSync("trace.json", toChromeTrace(events));
 * ```
 * @throws ContractError if the timeline contradicts itself (events that overlap, or lie outside of it).
 */
export function toTraceEvents(timeline: Timeline, options: ToTraceOptions = {}): TraceEvent[] {
  const { track = DEFAULT_TRACK, startMs = 0, memory = countLive(timeline) } = options;
  const suffix = track === DEFAULT_TRACK ? "" : ` (${track})`;
  const spans = rowsOf(timeline, "toTraceEvents").flatMap((row) =>
    row.map((event) => toSpan(event, track, startMs)),
  );
  const hasBytes = memory.flat().some(({ bytes }) => bytes !== 0);
  const counters = memory.flatMap((samples, rank) =>
    lastOfEachMoment(samples).flatMap(({ time, live, bytes }): TraceEvent[] => {
      const at = { kind: "counter" as const, rank, timeMs: startMs + time };
      const activations = { ...at, name: `live activations${suffix}`, values: { activations: live } };
      return hasBytes
        ? [activations, { ...at, name: `live bytes${suffix}`, values: { bytes } }]
        : [activations];
    }),
  );
  return [...spans, ...counters];
}

function countLive(timeline: Timeline): MemorySample[][] {
  const numStages = timeline.events.reduce((most, { stage }) => Math.max(most, stage + 1), 0);
  const none = new Array<number>(numStages).fill(0);
  return memoryOverTime(timeline, { inputBytes: none, activationBytes: none, recompute: false });
}

/** What was released and taken in the same moment is one change. */
function lastOfEachMoment(samples: readonly MemorySample[]): MemorySample[] {
  return samples.filter(({ time }, index) => samples[index + 1]?.time !== time);
}

function toSpan(event: TimelineEvent, track: string, startMs: number): TraceEvent {
  const { rank, kind, microBatch, stage, chunk, start, end } = event;
  return {
    kind: "span",
    name: labelOf(event),
    rank,
    track,
    category: KIND_NAMES[kind],
    startMs: startMs + start,
    durationMs: end - start,
    args: { microBatch, stage, chunk },
  };
}
