/**
 * What the timeline section of a report shows.
 *
 * @packageDocumentation
 */
import type { Timeline } from "@meshwright/pipeline";
import type { ReportHead } from "./report-data.ts";

/** A report on a pipeline. Without `timelines` the section is left out. */
export interface TimelineData extends ReportHead {
  readonly timelines?: Timelines;
}

/** One step of a pipeline, as the simulation says and as it was. */
export interface Timelines {
  /** Left out where nothing was simulated. */
  readonly predicted?: Timeline;
  readonly measured: Timeline;
}
