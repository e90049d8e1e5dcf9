/**
 * Which pipelines the benchmark runs, and what the simulation says about each.
 *
 * Legend: p = ranks, m = micro-batches.
 *
 * @packageDocumentation
 */
import {
  createSchedule,
  partition,
  simulate,
  type Schedule,
  type SimulationCosts,
} from "@meshwright/pipeline";
import type { WaitTimes } from "./waiting-layer.ts";

/** One pipeline of the benchmark. */
export interface PipelineCase {
  readonly name: string;
  readonly schedule: Schedule;
  /** Of each layer. */
  readonly layers: readonly WaitTimes[];
  /** Whether the stages are cut by measured times; else all layers count alike. */
  readonly isBalanced: boolean;
}

/** Settings that all cases share. */
export interface CaseSizes {
  readonly numRanks: number;
  readonly numMicroBatches: number;
  /** Each of F, I and W of all layers of a rank, where layers are equal. */
  readonly rankMs: number;
}

/** Enough for four chunks per rank. */
const LAYERS_PER_RANK = 4;
/** With a stage of twice the time, a cut into 8 equal stages exists: 144 layer times, 18 each. */
const FINE_LAYERS_PER_RANK = 16;
/** Neither at an end nor in the middle. */
const SLOW_RANK = 2;

/** Every schedule, and the interleaved one with two and with four chunks. */
export function scheduleCases(sizes: CaseSizes): PipelineCase[] {
  const layers = equalLayers(sizes, LAYERS_PER_RANK);
  const of = (name: string, chunksPerRank?: number): PipelineCase => ({
    name: chunksPerRank === undefined ? name : `${name}, ${chunksPerRank} chunks`,
    schedule: createSchedule(name, { ...sizes, ...(chunksPerRank !== undefined && { chunksPerRank }) }),
    layers,
    isBalanced: false,
  });
  return [
    of("gpipe"),
    of("1f1b"),
    of("interleaved", 2),
    of("interleaved", 4),
    of("looped-bfs", 2),
    of("zb-h1"),
    of("zbv"),
  ];
}

/** 1F1B with equal stages, with one whose layers take twice the time, and cut again by measured times. */
export function balanceCases(sizes: CaseSizes): PipelineCase[] {
  const schedule = createSchedule("1f1b", sizes);
  const equal = equalLayers(sizes, FINE_LAYERS_PER_RANK);
  const slow = equal.map((layer, i) =>
    Math.floor(i / FINE_LAYERS_PER_RANK) === SLOW_RANK ? twice(layer) : layer,
  );
  return [
    { name: "all stages equal", schedule, layers: equal, isBalanced: false },
    { name: `stage ${SLOW_RANK} takes twice the time`, schedule, layers: slow, isBalanced: false },
    { name: "the same layers, cut by measured times", schedule, layers: slow, isBalanced: true },
  ];
}

/** What the simulation says, for stages of so many layers. */
export function predict({ schedule, layers }: PipelineCase, layersPerStage?: readonly number[]) {
  return simulate(schedule, { ...costsOf(schedule, layers, layersPerStage), unit: "ms" });
}

/** Milliseconds of useful work of all ranks in one step. */
export function workMs({ schedule, layers }: PipelineCase): number {
  const perMicroBatch = sum(layers.map((t) => t.forwardMs + t.inputGradientMs + t.weightGradientMs));
  return perMicroBatch * schedule.numMicroBatches;
}

/**
 * The first stage gives no input gradient, so all its gradients belong to W. Its B takes as long as the others'.
 */
function costsOf(
  schedule: Schedule,
  layers: readonly WaitTimes[],
  layersPerStage?: readonly number[],
): SimulationCosts {
  const stages = cut(layers, schedule.stages.flat().length, layersPerStage);
  const total = (key: keyof WaitTimes) => stages.map((stage) => sum(stage.map((times) => times[key])));
  const [forward, input, weight] = [total("forwardMs"), total("inputGradientMs"), total("weightGradientMs")];
  return {
    forward,
    inputGradient: input.map((ms, stage) => (stage === 0 ? 0 : ms)),
    weightGradient: weight.map((ms, stage) => (stage === 0 ? ms + input[0]! : ms)),
  };
}

function cut(
  layers: readonly WaitTimes[],
  numStages: number,
  layersPerStage?: readonly number[],
): readonly (readonly WaitTimes[])[] {
  if (layersPerStage === undefined) return partition(layers, { numStages });
  let end = 0;
  return layersPerStage.map((size) => layers.slice(end, (end += size)));
}

function equalLayers({ numRanks, rankMs }: CaseSizes, layersPerRank: number): WaitTimes[] {
  const ms = rankMs / layersPerRank;
  return Array.from({ length: numRanks * layersPerRank }, () => ({
    forwardMs: ms,
    inputGradientMs: ms,
    weightGradientMs: ms,
  }));
}

function twice({ forwardMs, inputGradientMs, weightGradientMs }: WaitTimes): WaitTimes {
  return {
    forwardMs: 2 * forwardMs,
    inputGradientMs: 2 * inputGradientMs,
    weightGradientMs: 2 * weightGradientMs,
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
