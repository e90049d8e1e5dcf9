/**
 * What a stage that fails looks like to the caller.
 *
 * @packageDocumentation
 */
import type { ActionKind } from "../schedule.ts";

/** Where a pipeline failed. */
export interface PipelineErrorPlace {
  /** Of the world. */
  readonly rank: number;
  readonly stage: number;
  readonly microBatch: number;
  readonly action: ActionKind;
}

/** A stage threw. `cause` is what it threw. */
export class PipelineError extends Error {
  override readonly name: string = "PipelineError";
  readonly rank: number;
  readonly stage: number;
  readonly microBatch: number;
  readonly action: ActionKind;

  constructor(message: string, { rank, stage, microBatch, action }: PipelineErrorPlace, cause: unknown) {
    super(message, { cause });
    this.rank = rank;
    this.stage = stage;
    this.microBatch = microBatch;
    this.action = action;
  }
}
