/**
 * Runs a schedule on paper.
 *
 * @packageDocumentation
 */
import { checkSchedule, requireBuffer } from "../check.ts";
import { communicationSteps } from "../communication.ts";
import type { Schedule } from "../schedule.ts";
import type { Timeline } from "../timeline-record.ts";
import { walkSteps } from "../walk-steps.ts";
import { bubbleReport, type BubbleReport } from "./bubble.ts";
import { Clock } from "./clock.ts";
import { resolveCosts, type ResolvedCosts, type SimulationCosts } from "./costs.ts";
import { memoryOverTime, peakBytes, peakLive, type MemorySample } from "./memory.ts";

/** Costs, and how the transport behaves. */
export interface SimulateOptions extends SimulationCosts {
  /** Of the timeline. Default `cost`. */
  readonly unit?: Timeline["unit"];
  /** Whether a rank works on while its message is on the wire. Default true. */
  readonly overlapSends?: boolean;
  /** As in `checkSchedule`: how many messages may wait between two ranks before a send waits. Default: no bound. */
  readonly bufferedMessages?: number;
}

/** What a step will take. Times are in the unit of the costs. */
export interface Simulation extends BubbleReport {
  /** From the start of the first action to the end of the last. */
  readonly makespan: number;
  /** Share of all ranks' time that is useful work: `1 - bubbleGlobal`, less what recomputation does again. */
  readonly efficiency: number;
  /** The most inputs of stages (pairs of micro-batch and chunk) that each rank keeps. */
  readonly peakLive: readonly number[];
  /** The most bytes of activations that each rank keeps. */
  readonly peakBytes: readonly number[];
  /** `memory[rank]`: what it keeps over time. */
  readonly memory: readonly (readonly MemorySample[])[];
  readonly timeline: Timeline;
}

/**
 * Every rank works as soon as it can: an action starts when the rank's action before it is done and its message is here.
 *
 * Messages take `bytes / bandwidth + latency`; those of one ordered pair of ranks follow one another on its wire. The
 * schedule is checked first.
 *
 * @example
 * ```ts
 * const schedule = gpipe({ numRanks: 4, numMicroBatches: 8 });
 * const { makespan, efficiency } = simulate(schedule, { forward: 1, inputGradient: 1, weightGradient: 1 });
 * // 33, 24 / 33
 * ```
 * @throws ContractError if a cost is negative or not one per stage, or if `checkSchedule` refuses the schedule.
 */
export function simulate(schedule: Schedule, options: SimulateOptions): Simulation {
  const { bufferedMessages = Infinity, overlapSends = true, unit = "cost" } = options;
  requireBuffer("simulate", bufferedMessages);
  checkSchedule(schedule, { bufferedMessages });
  const costs = resolveCosts(options, schedule);
  const { numRanks } = schedule;
  const clock = new Clock({ costs, numRanks, overlapSends, bufferedMessages });
  walkSteps(communicationSteps(schedule), {
    bufferedMessages,
    visit: (rank, step) => {
      clock.take(rank, step);
    },
  });
  const { events } = clock;
  const makespan = events.reduce((latest, { end }) => Math.max(latest, end), 0);
  return describe({ name: `${schedule.name}, simulated`, unit, numRanks, makespan, events }, schedule, costs);
}

function describe(timeline: Timeline, schedule: Schedule, costs: ResolvedCosts): Simulation {
  const bubbles = bubbleReport(timeline);
  const memory = memoryOverTime(timeline, { ...costs, recompute: schedule.recompute });
  const again = timeline.events.reduce((total, { kind, stage }) => total + costs.recomputed(kind, stage), 0);
  const { makespan, numRanks } = timeline;
  return {
    makespan,
    ...bubbles,
    efficiency: 1 - bubbles.bubbleGlobal - (makespan > 0 ? again / (numRanks * makespan) : 0),
    peakLive: peakLive(memory),
    peakBytes: peakBytes(memory),
    memory,
    timeline,
  };
}
