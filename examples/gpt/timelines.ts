/**
 * A pipeline's last step as it was, and as the simulation says from the same durations.
 *
 * @packageDocumentation
 */
import { joinTimelines, simulate, type ActionKind, type Schedule, type Timeline } from "@meshwright/pipeline";
import type { Timelines } from "../report/timeline-data.ts";
import { median } from "./median.ts";
import type { TrainResult } from "./run-data.ts";

/**
 * The timelines of the ranks whose other coordinates are 0, or undefined without a pipeline. The simulation takes the
 * median time that each stage needed for each kind of action, and messages that cost nothing.
 */
export function timelinesOf(
  schedule: Schedule | undefined,
  results: readonly TrainResult[],
): Timelines | undefined {
  if (schedule === undefined) return undefined;
  const parts = results.flatMap(({ pipeline }) => (pipeline?.isFirstReplica ? [pipeline.timeline] : []));
  if (parts.length === 0) return undefined;
  const measured = joinTimelines(schedule, parts);
  const forward = medianPerStage(measured, schedule, "F");
  const weightGradient = medianPerStage(measured, schedule, "W");
  const backward = medianPerStage(measured, schedule, "B");
  const inputGradient = medianPerStage(measured, schedule, "I").map((time, stage) => {
    const again = schedule.recompute ? forward[stage]! : 0;
    return time + Math.max(0, backward[stage]! - again);
  });
  const { timeline } = simulate(schedule, { forward, inputGradient, weightGradient, unit: "ms" });
  return { predicted: timeline, measured };
}

function medianPerStage({ events }: Timeline, schedule: Schedule, wanted: ActionKind): number[] {
  return schedule.stages.flat().map((_, stage) => {
    const times = events.filter((event) => event.kind === wanted && event.stage === stage);
    return times.length === 0 ? 0 : median(times.map(({ start, end }) => end - start));
  });
}
