/**
 * The load report: how evenly the experts of each layer work, over time and at the end.
 *
 * Legend: E = experts, S = recorded steps.
 *
 * @packageDocumentation
 */
import { ContractError } from "@meshwright/core";
import type { LayerHistory, StepLoad } from "./layer-history.ts";
import { deadExperts, loadEntropy, loadImbalance, sumCounts } from "./load-figures.ts";
import { loadWarnings, resolveThresholds, type LoadThresholds, type LoadWarning } from "./load-watch.ts";

/** The load of all layers, as plain data. */
export interface LoadReport {
  readonly layers: readonly LayerLoad[];
  /** In order of layers and steps. */
  readonly warnings: readonly LoadWarning[];
}

/** The load of one layer. Lists have one entry per recorded step. */
export interface LayerLoad {
  readonly layer: string;
  readonly numExperts: number;
  /** Numbers of the steps, `[S]`. */
  readonly steps: readonly number[];
  /** Choices per step and expert before drops, `[S][E]`. */
  readonly counts: readonly (readonly number[])[];
  /** Busiest expert over mean, `[S]`; see `loadImbalance`. */
  readonly imbalance: readonly number[];
  /** From 0 to 1, `[S]`; see `loadEntropy`. */
  readonly entropy: readonly number[];
  /** Dropped choices over all choices, `[S]`. */
  readonly dropRate: readonly number[];
  /** Experts that nobody chose in the step, `[S]`. */
  readonly deadExperts: readonly (readonly number[])[];
  /** The last steps together. */
  readonly final: FinalLoad;
}

/** The last steps of a layer: means over the steps, but sums of tokens. */
export interface FinalLoad {
  /** How many steps these are: the window, or as many as there are. */
  readonly numSteps: number;
  /** Choices per expert, `[E]`, in all these steps. */
  readonly counts: readonly number[];
  /** Mean of the steps' imbalances: what a step waits for. Of the counts above it is at most this. */
  readonly imbalance: number;
  /** Mean of the steps' entropies. */
  readonly entropy: number;
  /** Dropped choices over all choices. */
  readonly dropRate: number;
  /** Experts that nobody chose in any of these steps. */
  readonly deadExperts: readonly number[];
}

/** What a report is made by. */
export interface LoadReportOptions {
  /** When to warn; `window` is also how many steps `final` looks at. */
  readonly thresholds?: LoadThresholds;
}

/**
 * Figures and warnings of a history. Pure.
 *
 * @example
 * ```ts
 * const { layers, warnings } = loadReport(recorder.history);
 * for (const { layer, final } of layers) console.log(layer, final.imbalance, final.deadExperts);
 * ```
 * @throws ContractError if a layer has no step, or that lists every threshold that is wrong.
 */
export function loadReport(
  history: readonly LayerHistory[],
  { thresholds }: LoadReportOptions = {},
): LoadReport {
  const { window } = resolveThresholds("loadReport", thresholds);
  return {
    layers: history.map((layer) => layerLoad(layer, window)),
    warnings: loadWarnings(history, thresholds),
  };
}

function layerLoad({ layer, numExperts, steps }: LayerHistory, window: number): LayerLoad {
  if (steps.length === 0) {
    throw new ContractError(
      `loadReport: steps of ${layer} (0) must be at least 1; use the history of a recorder.`,
    );
  }
  const counts = steps.map((step) => step.counts);
  return {
    layer,
    numExperts,
    steps: steps.map(({ step }) => step),
    counts,
    imbalance: counts.map(loadImbalance),
    entropy: counts.map(loadEntropy),
    dropRate: steps.map((step) => dropRate([step])),
    deadExperts: counts.map(deadExperts),
    final: finalLoad(steps.slice(-window)),
  };
}

function finalLoad(steps: readonly StepLoad[]): FinalLoad {
  const counts = sumCounts(steps.map((step) => step.counts));
  return {
    numSteps: steps.length,
    counts,
    imbalance: mean(steps.map((step) => loadImbalance(step.counts))),
    entropy: mean(steps.map((step) => loadEntropy(step.counts))),
    dropRate: dropRate(steps),
    deadExperts: deadExperts(counts),
  };
}

/** 0 where there are no choices. */
function dropRate(steps: readonly StepLoad[]): number {
  const choices = steps.flatMap(({ counts }) => counts).reduce((a, b) => a + b, 0);
  const dropped = steps.reduce((sum, step) => sum + step.dropped, 0);
  return choices === 0 ? 0 : dropped / choices;
}

function mean(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}
