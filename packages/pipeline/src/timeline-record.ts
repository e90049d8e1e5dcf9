/**
 * What happened when: the record that the simulation and the real run share.
 *
 * One format for both, so that predicted and measured can be measured, drawn and exported by the same code.
 *
 * @packageDocumentation
 */
import type { ActionKind } from "./schedule.ts";

/** One piece of work of one rank, with its time. */
export interface TimelineEvent {
  readonly rank: number;
  /** `F`, `B`, `I` or `W`, as in the schedule. */
  readonly kind: ActionKind;
  /** 0..m-1 */
  readonly microBatch: number;
  /** 0..p*v-1 */
  readonly stage: number;
  /** 0..v-1: which of the rank's chunks worked. */
  readonly chunk: number;
  /** In the timeline's unit. */
  readonly start: number;
  /** In the timeline's unit; not before `start`. */
  readonly end: number;
}

/** All work of one step on all ranks, simulated or measured. Plain data: it survives JSON and `postMessage`. */
export interface Timeline {
  /** What a reader sees above the drawing, for example `"1f1b, simulated"`. */
  readonly name: string;
  /** `ms` for a measured run or for costs in milliseconds; `cost` for abstract costs. */
  readonly unit: "ms" | "cost";
  readonly numRanks: number;
  /** From 0 to the end of the last event. */
  readonly makespan: number;
  /** In any order. Events of one rank do not overlap. */
  readonly events: readonly TimelineEvent[];
}
