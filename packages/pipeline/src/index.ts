/**
 * Pipeline-parallel schedules: as data, proven, and simulated.
 *
 * @packageDocumentation
 */
export type { Action, ActionKind, Schedule } from "./schedule.ts";
export { gpipe } from "./schedules/gpipe.ts";
export { oneFOneB } from "./schedules/one-f-one-b.ts";
export { interleaved1F1B } from "./schedules/interleaved-1f1b.ts";
export { loopedBFS } from "./schedules/looped-bfs.ts";
export { zbH1 } from "./schedules/zb-h1.ts";
export { zbV } from "./schedules/zbv.ts";
export { forwardOnly } from "./schedules/forward-only.ts";
export {
  createSchedule,
  SCHEDULE_NAMES,
  type CreateScheduleOptions,
  type ScheduleName,
} from "./schedules/create-schedule.ts";
export type { ChunksOption, RecomputeOption, ScheduleSizes } from "./schedules/sizes.ts";
export { communicationSteps, type StageMessage, type Step } from "./communication.ts";
export { checkSchedule, minBufferedMessages, type CheckOptions, type ScheduleProof } from "./check.ts";
export { simulate, type SimulateOptions, type Simulation } from "./simulate/simulate.ts";
export { splitOverChunks, type PerStage, type SimulationCosts, type StageTimes } from "./simulate/costs.ts";
export { bubbleReport, type BubbleReport } from "./simulate/bubble.ts";
export { memoryOverTime, type KeptBytes, type MemorySample } from "./simulate/memory.ts";
export type { Timeline, TimelineEvent } from "./timeline-record.ts";

export { drawText, type DrawTextOptions } from "./timeline/draw-text.ts";
export { drawSvg, type DrawSvgOptions } from "./timeline/draw-svg.ts";
export { toTraceEvents, type ToTraceOptions } from "./timeline/to-trace.ts";
export {
  exploreSchedule,
  type ExploreScheduleOptions,
  type ScheduleExploration,
} from "./cli/explore-schedule.ts";
export { moduleLayer, Stage, type PipelineLayer } from "./stage.ts";
export { gptLayers } from "./gpt-layers.ts";
export { partition, type PartitionOptions } from "./partition.ts";
export { balance, parameterCosts } from "./balance.ts";
export { measureLayerTimes, type MeasureOptions } from "./layer-times.ts";
export { microBatches, type MicroBatch } from "./micro-batch.ts";
export { createPipeline } from "./run/create-pipeline.ts";
export type { Pipeline, StepResult } from "./run/pipeline.ts";
export type { PipelineOptions } from "./run/options.ts";
export type { PipelineLoss } from "./run/pass.ts";
export type { ClippedGradients } from "./run/clip-grad-norm.ts";
export { PipelineError, type PipelineErrorPlace } from "./run/pipeline-error.ts";
export { joinTimelines, type RankTimeline, type StepRecord } from "./run/step-record.ts";
