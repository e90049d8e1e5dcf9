/**
 * Warnings of a load that goes wrong: an expert starves, or a hotspot forms.
 *
 * Legend: E = experts, w = steps in the window, c_i = choices of expert i in the window, m = mean of all c_i.
 *
 * ```text
 * an expert starves     c_i < starving * m                      0.1 m: the others do its work
 * an expert is hot      c_i > hot * m                           2 m: more than a capacity factor of 2 holds
 * an episode ends       no expert is beyond half way back to m
 * ```
 *
 * Both are looked at over the last `w` steps together, so that one odd batch is no warning, and only where the window is
 * full and an even load would give each expert {@link FEWEST_CHOICES} choices: below that an expert may go without by
 * chance. A token chooses an expert once, so no expert gets more than `E / K` times the mean: with `topK` of half the
 * experts or more there is no hotspot at the default threshold.
 *
 * @packageDocumentation
 */
import { ContractError } from "@meshwright/core";
import type { LayerHistory, StepLoad } from "./layer-history.ts";
import { sumCounts } from "./load-figures.ts";

/** Choices per expert in the window below which nothing is said: 20 expected and less than 2 seen has a chance of 5e-8. */
const FEWEST_CHOICES = 20;

/** When to warn. */
export interface LoadThresholds {
  /** An expert with less than this share of the mean load starves. Default 0.1. */
  readonly starving?: number;
  /** An expert with more than this multiple of the mean load is hot. Default 2, GShard's capacity factor. */
  readonly hot?: number;
  /** Steps that are looked at together. Default 20. */
  readonly window?: number;
}

/** A warning. There is one per layer and episode, however long the episode lasts. */
export interface LoadWarning {
  readonly kind: "starving" | "hot";
  readonly layer: string;
  /** The last step of the window in which it was seen first. */
  readonly step: number;
  /** The experts concerned, ascending. */
  readonly experts: readonly number[];
  /** What is wrong, with value, rule and fix. */
  readonly message: string;
}

/** Thresholds with every default filled in. */
type Thresholds = Required<LoadThresholds>;

/** Fills in the defaults. @throws ContractError that lists all that is wrong. */
export function resolveThresholds(where: string, options: LoadThresholds = {}): Thresholds {
  const { starving = 0.1, hot = 2, window = 20 } = options;
  const problems: string[] = [];
  if (!(starving > 0 && starving < 1))
    problems.push(`starving (${starving}) must be in (0, 1); use for example starving: 0.1.`);
  if (!(hot > 1 && hot < Infinity))
    problems.push(`hot (${hot}) must be finite and above 1; use for example hot: 2.`);
  if (!Number.isInteger(window) || window < 1)
    problems.push(`window (${window}) must be a positive integer of steps; use for example window: 20.`);
  if (problems.length === 1) throw new ContractError(`${where}: ${problems[0]!}`);
  if (problems.length > 1) throw new ContractError(`${where}:\n- ${problems.join("\n- ")}`);
  return { starving, hot, window };
}

/** Watches one layer, step after step. */
export class LayerWatch {
  readonly #layer: string;
  readonly #thresholds: Thresholds;
  readonly #recent: StepLoad[] = [];
  /** Kinds of which an episode lasts. */
  readonly #ongoing = new Set<LoadWarning["kind"]>();

  /** @throws ContractError that lists every threshold that is wrong. */
  constructor(layer: string, thresholds?: LoadThresholds) {
    this.#layer = layer;
    this.#thresholds = resolveThresholds("LayerWatch", thresholds);
  }

  /** Takes the load of the next step; returns the warnings of episodes that begin with it. */
  next(load: StepLoad): LoadWarning[] {
    const { starving, hot, window } = this.#thresholds;
    this.#recent.push(load);
    if (this.#recent.length > window) this.#recent.shift();
    if (this.#recent.length < window) return [];
    const counts = sumCounts(this.#recent.map((step) => step.counts));
    const mean = counts.reduce((a, b) => a + b, 0) / counts.length;
    if (mean < FEWEST_CHOICES) return [];
    const loads = counts.map((count) => count / mean);
    return [
      ...this.#episode("starving", loads, {
        isBeyond: (x) => x < starving,
        isBack: (x) => x > (1 + starving) / 2,
      }),
      ...this.#episode("hot", loads, { isBeyond: (x) => x > hot, isBack: (x) => x < (1 + hot) / 2 }),
    ];
  }

  #episode(
    kind: LoadWarning["kind"],
    loads: readonly number[],
    { isBeyond, isBack }: Record<"isBeyond" | "isBack", (load: number) => boolean>,
  ): LoadWarning[] {
    if (this.#ongoing.has(kind)) {
      if (loads.every(isBack)) this.#ongoing.delete(kind);
      return [];
    }
    const experts = loads.flatMap((load, expert) => (isBeyond(load) ? [expert] : []));
    if (experts.length === 0) return [];
    this.#ongoing.add(kind);
    const { step } = this.#recent.at(-1)!;
    return [{ kind, layer: this.#layer, step, experts, message: this.#message(kind, experts, loads) }];
  }

  #message(kind: LoadWarning["kind"], experts: readonly number[], loads: readonly number[]): string {
    const { starving, hot, window } = this.#thresholds;
    const { step } = this.#recent.at(-1)!;
    const who = `${this.#layer}, step ${step}: expert${experts.length > 1 ? "s" : ""} ${experts.join(", ")}`;
    const values = experts.map((expert) => loads[expert]!.toFixed(2)).join(", ");
    const what = `${who} (${values} of the mean load over ${window} steps)`;
    return kind === "starving"
      ? `${what} should get at least ${starving}; use a balancing loss or bias, or a larger one.`
      : `${what} should get at most ${hot}; use a balancing loss or bias, or a larger one, and a capacity to bound the time of a step.`;
  }
}

/**
 * All warnings of a finished history, in order of layers and steps.
 *
 * @throws ContractError that lists every threshold that is wrong.
 */
export function loadWarnings(history: readonly LayerHistory[], thresholds?: LoadThresholds): LoadWarning[] {
  return history.flatMap(({ layer, steps }) => {
    const watch = new LayerWatch(layer, thresholds);
    return steps.flatMap((load) => watch.next(load));
  });
}
