/**
 * What the stages of a pipeline and the wires between their ranks cost.
 *
 * @packageDocumentation
 */
import { throwProblems } from "../problems.ts";
import type { ActionKind, Schedule } from "../schedule.ts";

/** One value for every stage, or one per stage: `list[stage]`, 0..p*v-1. */
export type PerStage = number | readonly number[];

/** Times of a micro-batch on a stage. All in one unit: milliseconds, or any other where there is no communication. */
export interface StageTimes {
  /** Of `F`. */
  readonly forward: PerStage;
  /** Of `I`. */
  readonly inputGradient: PerStage;
  /** Of `W`. `B` takes `I + W`, and with recomputation `F + I + W`. */
  readonly weightGradient: PerStage;
}

/** Times, and optionally sizes and wires. */
export interface SimulationCosts extends StageTimes {
  /** From the end of a transfer to its arrival. Default 0. */
  readonly latencyMs?: number;
  /** Of each ordered pair of ranks; its messages follow one another. 1 GB/s is 1e6. Default: transfers take no time. */
  readonly bandwidthBytesPerMs?: number;
  /** Of a stage's input for one micro-batch: the message that brings it, and that of its gradient. Default 0. */
  readonly inputBytes?: PerStage;
  /**
   * Of all that a stage keeps of one micro-batch from its forward to its backward pass, its input included. Default:
   * `inputBytes`.
   */
  readonly activationBytes?: PerStage;
}

/** Costs with every default filled in: `list[stage]` throughout. */
export interface ResolvedCosts {
  readonly duration: (kind: ActionKind, stage: number) => number;
  /** Part of a duration that is spent on a forward pass done before. */
  readonly recomputed: (kind: ActionKind, stage: number) => number;
  readonly inputBytes: readonly number[];
  readonly activationBytes: readonly number[];
  readonly latencyMs: number;
  readonly transferMs: (bytes: number) => number;
}

/**
 * Splits the times of whole ranks over their chunks: each of a rank's v stages costs `1 / v` of the rank.
 *
 * So schedules with different v are compared at the same model.
 *
 * @example
 * ```ts
 * simulate(schedule, splitOverChunks(schedule, { forward: 1, inputGradient: 1, weightGradient: 1 }));
 * ```
 */
export function splitOverChunks(
  schedule: Pick<Schedule, "stages">,
  rankTimes: { readonly forward: number; readonly inputGradient: number; readonly weightGradient: number },
): { readonly forward: number; readonly inputGradient: number; readonly weightGradient: number } {
  const chunksPerRank = schedule.stages[0]!.length;
  return {
    forward: rankTimes.forward / chunksPerRank,
    inputGradient: rankTimes.inputGradient / chunksPerRank,
    weightGradient: rankTimes.weightGradient / chunksPerRank,
  };
}

/** @throws ContractError that lists every cost that is negative, not finite, or not one per stage. */
export function resolveCosts(costs: SimulationCosts, schedule: Schedule): ResolvedCosts {
  const numStages = schedule.stages.flat().length;
  throwProblems("simulate", costProblems(costs, numStages));
  const perStage = (value: PerStage) =>
    typeof value === "number" ? new Array<number>(numStages).fill(value) : value;
  const F = perStage(costs.forward);
  const I = perStage(costs.inputGradient);
  const W = perStage(costs.weightGradient);
  const recomputed = (kind: ActionKind, stage: number) =>
    kind === "B" && schedule.recompute ? F[stage]! : 0;
  const B = I.map((time, stage) => time + W[stage]! + recomputed("B", stage));
  const durations = { F, B, I, W };
  const { latencyMs = 0, bandwidthBytesPerMs = Infinity, inputBytes = 0 } = costs;
  return {
    duration: (kind, stage) => durations[kind][stage]!,
    recomputed,
    inputBytes: perStage(inputBytes),
    activationBytes: perStage(costs.activationBytes ?? inputBytes),
    latencyMs,
    transferMs: (bytes) => bytes / bandwidthBytesPerMs,
  };
}

function costProblems(costs: SimulationCosts, numStages: number): string[] {
  const {
    bandwidthBytesPerMs = Infinity,
    latencyMs = 0,
    inputBytes = 0,
    activationBytes = inputBytes,
  } = costs;
  const { forward, inputGradient, weightGradient } = costs;
  const lists = { forward, inputGradient, weightGradient, inputBytes, activationBytes };
  const problems = Object.entries(lists).flatMap(([name, value]) => perStageProblems(name, value, numStages));
  if (!isCost(latencyMs)) problems.push(notACost("latencyMs", latencyMs));
  if (!(bandwidthBytesPerMs > 0)) {
    problems.push(
      `bandwidthBytesPerMs (${bandwidthBytesPerMs}) must be above 0; use 1e6 for 1 GB/s, or leave it out.`,
    );
  }
  return problems;
}

function perStageProblems(name: string, value: PerStage, numStages: number): string[] {
  if (typeof value === "number") return isCost(value) ? [] : [notACost(name, value)];
  if (value.length !== numStages) {
    return [
      `${name} (${value.length} values) must have one per stage (${numStages}); use a list of ${numStages}, or one number.`,
    ];
  }
  return value.flatMap((item, stage) => (isCost(item) ? [] : [notACost(`${name}[${stage}]`, item)]));
}

function isCost(value: number): boolean {
  return Number.isFinite(value) && value >= 0;
}

function notACost(name: string, value: number): string {
  return `${name} (${value}) must be a finite number of at least 0; use 0 for what costs nothing.`;
}
