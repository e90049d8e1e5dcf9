/**
 * Collects the load of every layer and step.
 *
 * @packageDocumentation
 */
import { ContractError } from "@meshwright/core";
import type { ExpertLoadRecord } from "./expert-load-record.ts";
import type { LayerHistory, StepLoad } from "./layer-history.ts";
import { LayerWatch, resolveThresholds, type LoadThresholds, type LoadWarning } from "./load-watch.ts";

/** What a recorder does besides recording. */
export interface LoadRecorderOptions {
  /**
   * Gets each warning once, when the step after the one that caused it begins. Default: none; the report has them all.
   */
  readonly onWarning?: (warning: LoadWarning) => void;
  /** When to warn. */
  readonly thresholds?: LoadThresholds;
}

/**
 * Keeps the records of all layers. Records of one layer and step are micro-batches, and are added up.
 *
 * A record holds the choices of all ranks: every rank that has a layer collects the same. Communication: none.
 *
 * @example
 * ```ts
 * const recorder = new LoadRecorder({ onWarning: ({ message }) => console.warn(message) });
 * layer.onLoad = recorder.record;
 * for (let step = 1; step <= 300; step++) {
 *   setRouterStep(model, step);
 *   // forward, backward, update
 * }
 * const report = loadReport(recorder.history);
 * ```
 * @throws ContractError that lists every threshold that is wrong.
 */
export class LoadRecorder {
  readonly #layers = new Map<string, { readonly steps: StepLoad[]; readonly watch: LayerWatch }>();
  readonly #options: LoadRecorderOptions;

  constructor(options: LoadRecorderOptions = {}) {
    resolveThresholds("LoadRecorder", options.thresholds);
    this.#options = options;
  }

  /**
   * Adds one record; may be handed around without its object.
   *
   * @throws ContractError if the record has no step, is of an earlier step than the one before it, or has another number
   * of experts.
   */
  readonly record = (record: ExpertLoadRecord): void => {
    const { layer, dropped, tokens } = record;
    const { steps, watch } = this.#layer(layer);
    const last = steps.at(-1);
    const step = checkRecord(record, last);
    const counts = Array.from(record.counts);
    if (last === undefined || step > last.step) {
      if (last !== undefined) for (const warning of watch.next(last)) this.#options.onWarning?.(warning);
      steps.push({ step, counts, dropped, tokens });
      return;
    }
    steps[steps.length - 1] = {
      step,
      counts: counts.map((count, expert) => count + last.counts[expert]!),
      dropped: dropped + last.dropped,
      tokens: tokens + last.tokens,
    };
  };

  /** Everything recorded so far, layers in the order in which they came first. */
  get history(): readonly LayerHistory[] {
    return [...this.#layers].map(([layer, { steps }]) => ({
      ...{ layer, numExperts: steps[0]!.counts.length },
      steps: [...steps],
    }));
  }

  #layer(layer: string): { readonly steps: StepLoad[]; readonly watch: LayerWatch } {
    const known = this.#layers.get(layer);
    if (known !== undefined) return known;
    const added = { steps: [], watch: new LayerWatch(layer, this.#options.thresholds) };
    this.#layers.set(layer, added);
    return added;
  }
}

/** Returns the step. */
function checkRecord({ layer, step, counts }: ExpertLoadRecord, last: StepLoad | undefined): number {
  const where = `LoadRecorder: record of ${layer}`;
  if (step === undefined) {
    throw new ContractError(
      `${where}: step (undefined) must be a number, so that micro-batches can be told from steps; use setRouterStep(model, step).`,
    );
  }
  if (last !== undefined && step < last.step) {
    throw new ContractError(
      `${where}: step (${step}) must not be below the one before it (${last.step}); use a new recorder for another run.`,
    );
  }
  if (last !== undefined && counts.length !== last.counts.length) {
    throw new ContractError(
      `${where}: counts (length ${counts.length}) must be of as many experts as before (${last.counts.length}); use one name per layer.`,
    );
  }
  return step;
}
