/**
 * The last training step as a trace that opens in Perfetto: ranks as tracks, work, collectives, memory.
 *
 * @packageDocumentation
 */
import type { CollectiveSpan, TraceEvent } from "@meshwright/core";
import { toTraceEvents } from "@meshwright/pipeline";
import type { TrainResult } from "./run-data.ts";

/** A collective of the last step, and what the rank held when it was done. */
export interface StepCollective extends CollectiveSpan {
  /** Bytes of all tensors on the rank. */
  readonly liveBytes: number;
}

/** The events of all ranks. */
export function traceOf(results: readonly TrainResult[]): TraceEvent[] {
  return results.flatMap((result, rank) => [...workOf(result, rank), ...communicationOf(result, rank)]);
}

/** The actions of the pipeline, if there is one. */
function workOf({ pipeline }: TrainResult, rank: number): TraceEvent[] {
  if (pipeline === undefined) return [];
  const { startMs } = pipeline.timeline;
  const events = pipeline.timeline.events.map((event) => ({ ...event, rank: 0 }));
  const makespan = events.reduce((latest, { end }) => Math.max(latest, end), 0);
  const timeline = { name: "step", unit: "ms" as const, numRanks: 1, makespan, events };
  return toTraceEvents(timeline, { startMs }).map((event) => ({ ...event, rank }));
}

function communicationOf({ collectives }: TrainResult, rank: number): TraceEvent[] {
  return collectives.flatMap(({ group, collective, label, startMs, durationMs, liveBytes }): TraceEvent[] => [
    {
      ...{ kind: "span", rank, track: `${group} communication`, category: group, startMs, durationMs },
      name: collective,
      args: { label },
    },
    { kind: "counter", name: "live bytes", rank, timeMs: startMs + durationMs, values: { bytes: liveBytes } },
  ]);
}
