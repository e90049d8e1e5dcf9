/**
 * The pipeline benchmark: how close the real scheduler comes to its simulation, and what it costs per action.
 *
 * @packageDocumentation
 */
import { createWorld, type WorldHandle } from "@meshwright/core";
import { bubbleReport, joinTimelines, type Timeline } from "@meshwright/pipeline";
import { median } from "../statistics.ts";
import { balanceCases, predict, scheduleCases, workMs, type CaseSizes, type PipelineCase } from "./cases.ts";
import type overheadProgram from "./overhead.ts";
import type waitingProgram from "./program.ts";
import type { WaitingResult } from "./program.ts";

/** Settings of the benchmark. */
export interface PipelineBenchOptions {
  /** Steps per pipeline, in turn. Default 3. */
  readonly samples?: number;
  /** Milliseconds of each of F, I and W on a rank. Default 30. */
  readonly rankMs?: number;
}

/** Predicted or measured. */
export interface StepFigures {
  readonly makespanMs: number;
  /** Share of all ranks' time that is useful work. */
  readonly efficiency: number;
  /** Of each rank: the most pairs of micro-batch and chunk that it kept. */
  readonly peakLive: readonly number[];
  /** Of each rank: the share between its first and last action in which it did nothing. */
  readonly idleShare: readonly number[];
}

/** One pipeline. */
export interface PipelineFigure {
  readonly name: string;
  readonly chunksPerRank: number;
  readonly layersPerStage: readonly number[];
  readonly predicted: StepFigures;
  /** The step with the median makespan. */
  readonly measured: StepFigures;
  /** Efficiency of the fastest step. */
  readonly bestEfficiency: number;
}

/** Microseconds per action of rank 0. */
export interface ActionOverhead {
  readonly ranks: number;
  readonly stepMicroseconds: number;
  /** The same forward and backward passes in a loop. */
  readonly workMicroseconds: number;
  /** The difference: median over the rounds. */
  readonly schedulerMicroseconds: number;
  /** The difference of the fastest rounds: what it costs where nothing else runs. */
  readonly fastestSchedulerMicroseconds: number;
}

/** All figures. */
export interface PipelineBenchResult extends CaseSizes {
  readonly engine: string;
  readonly samples: number;
  readonly schedules: readonly PipelineFigure[];
  readonly balance: readonly PipelineFigure[];
  readonly overhead: readonly ActionOverhead[];
  /** Of 1F1B: the simulation, and the step with the median makespan. */
  readonly timelines: readonly Timeline[];
}

const SIZES = { numRanks: 8, numMicroBatches: 32 };
const DRAWN = "1f1b";
/** Long enough for a steady state. */
const OVERHEAD_MICRO_BATCHES = 64;

/** Measures on worker threads of this process. */
export async function runPipelineBench(options: PipelineBenchOptions = {}): Promise<PipelineBenchResult> {
  const { samples = 3, rankMs = 30 } = options;
  const sizes = { ...SIZES, rankMs };
  const schedules = scheduleCases(sizes);
  const balance = balanceCases(sizes);
  const world = await createWorld({ ranks: sizes.numRanks, engine: "cpu" });
  const measured = await measureIn(world, [...schedules, ...balance], samples);
  const drawn = measured[schedules.findIndex(({ name }) => name === DRAWN)]!;
  const figures = measured.map(({ figure }) => figure);
  return {
    ...sizes,
    engine: "cpu",
    samples,
    schedules: figures.slice(0, schedules.length),
    balance: figures.slice(schedules.length),
    overhead: [await measureOverhead(1, 40 * samples), await measureOverhead(2, 40 * samples)],
    timelines: drawn.timelines,
  };
}

async function measureIn(world: WorldHandle, cases: readonly PipelineCase[], rounds: number) {
  try {
    const program = new URL("./program.ts", import.meta.url);
    const byRank = await world.run<typeof waitingProgram>(program, { pipelines: cases, rounds });
    return cases.map((one, i) =>
      compare(
        one,
        byRank.map((results) => results[i]!),
      ),
    );
  } finally {
    await world.close();
  }
}

function compare(one: PipelineCase, byRank: readonly WaitingResult[]) {
  const { schedule } = one;
  const { layersPerStage } = byRank[0]!;
  const predicted = predict(one, layersPerStage);
  const steps = byRank[0]!.timelines.map((_, round) =>
    joinTimelines(
      schedule,
      byRank.map(({ timelines }) => timelines[round]!),
    ),
  );
  const ordered = [...steps].sort((a, b) => a.makespan - b.makespan);
  const middle = ordered[Math.floor(ordered.length / 2)]!;
  const efficiencyOf = ({ makespan }: { readonly makespan: number }) =>
    workMs(one) / (schedule.numRanks * makespan);
  const figure: PipelineFigure = {
    name: one.name,
    chunksPerRank: schedule.stages[0]!.length,
    layersPerStage,
    predicted: figuresOf(predicted.timeline, efficiencyOf(predicted), predicted.peakLive),
    measured: figuresOf(
      middle,
      efficiencyOf(middle),
      byRank.map(({ peakLive }) => peakLive),
    ),
    bestEfficiency: efficiencyOf(ordered[0]!),
  };
  return { figure, timelines: [predicted.timeline, middle] };
}

function figuresOf(timeline: Timeline, efficiency: number, peakLive: readonly number[]): StepFigures {
  const { bubbleSpanPerRank } = bubbleReport(timeline);
  return { makespanMs: timeline.makespan, efficiency, peakLive, idleShare: bubbleSpanPerRank };
}

async function measureOverhead(ranks: number, rounds: number): Promise<ActionOverhead> {
  const world = await createWorld({ ranks, engine: "cpu" });
  try {
    const program = new URL("./overhead.ts", import.meta.url);
    const options = { rounds, numMicroBatches: OVERHEAD_MICRO_BATCHES };
    const [{ step, work }] = (await world.run<typeof overheadProgram>(program, options)) as [
      { readonly step: readonly number[]; readonly work: readonly number[] },
    ];
    return {
      ranks,
      stepMicroseconds: median(step),
      workMicroseconds: median(work),
      schedulerMicroseconds: median(step.map((us, round) => us - work[round]!)),
      fastestSchedulerMicroseconds: Math.min(...step) - Math.min(...work),
    };
  } finally {
    await world.close();
  }
}
