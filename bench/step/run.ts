/**
 * The training-step benchmark: one GPT step on 1 rank, under `tp=2` and `dp=2`, and in plain tfjs, on one thread per
 * rank. All worlds live at once and take turns step by step.
 *
 * @packageDocumentation
 */
import { createWorld, type EngineName, type LedgerTotal } from "@meshwright/core";
import { median, medianRatio, summarize, type Summary } from "../statistics.ts";
import type { StepProfile } from "./kernel-times.ts";
import type scaling from "./core-scaling.ts";
import type train from "./train.ts";
import type { StepResult, StepSizes } from "./train.ts";
import { createTurns } from "./turns.ts";

/** Settings of the benchmark. */
export interface StepBenchOptions {
  /** Timed steps per world. Default 15. */
  readonly samples?: number;
  readonly seed?: number;
  /** Run only models of so many features. */
  readonly features?: number;
  /** What every rank computes with. Default `"wasm"`. */
  readonly engine?: EngineName;
}

/** One way to run the step. */
export interface StepFigure {
  /** `plain tfjs`, `1 rank`, `tp=2` or `dp=2`. */
  readonly name: string;
  readonly ranks: number;
  readonly stepMs: Summary;
  /** Processor milliseconds of the busiest rank; `null` where the system does not say. */
  readonly cpuMs: number | null;
  readonly tokensPerSecond: number;
  /** Median of (time on 1 rank / this time) over the rounds. */
  readonly speedup: number;
  /** Fastest step on 1 rank / fastest step of this: what others at work on the machine disturb least. */
  readonly fastestSpeedup: number;
  /** The same of processor time of the busiest rank: what the speed-up is where every rank has its own core. */
  readonly cpuSpeedup: number | null;
  readonly finalLoss: number;
  readonly communication: readonly LedgerTotal[];
  /** The fastest profiled step of rank 0. */
  readonly profile: StepProfile;
}

/** All figures of one model. */
export interface StepModelFigures {
  readonly sizes: StepSizes;
  readonly parameters: number;
  readonly figures: readonly StepFigure[];
}

/** What the machine's cores give when two of them multiply matrices at once. */
export interface CoreScaling {
  readonly aloneGflops: number;
  readonly togetherGflops: number;
  /** Of two ranks over one; 2 if they do not disturb each other. */
  readonly speedup: number;
}

/** All figures. */
export interface StepBenchResult {
  readonly engine: string;
  readonly samples: number;
  readonly seed: number;
  readonly models: readonly StepModelFigures[];
  readonly scaling: CoreScaling;
}

const BATCH = { vocabSize: 96, batchSize: 8, contextLength: 128 } as const;
/** The models whose steps are measured. */
export const MODELS: readonly StepSizes[] = [
  { features: 256, layers: 4, heads: 4, ...BATCH },
  { features: 768, layers: 2, heads: 12, ...BATCH },
];
const BASELINE = "1 rank";
const SETTINGS = [
  { name: "plain tfjs", mesh: null },
  { name: BASELINE, mesh: { dp: 1, tp: 1 } },
  { name: "tp=2", mesh: { dp: 1, tp: 2 } },
  { name: "dp=2", mesh: { dp: 2, tp: 1 } },
] as const;

type Run = (typeof SETTINGS)[number] & { readonly results: readonly StepResult[] };

/** Measures on worker threads of this process. */
export async function runStepBench(options: StepBenchOptions = {}): Promise<StepBenchResult> {
  const { samples = 15, seed = 1, features, engine: wanted = "wasm" } = options;
  const models: StepModelFigures[] = [];
  let engine = "";
  for (const sizes of MODELS) {
    if (features !== undefined && sizes.features !== features) continue;
    const runs = await runModel(sizes, { samples, seed, engine: wanted });
    engine = runs[0]!.results[0]!.engine;
    const parameters = runs[0]!.results[0]!.parameters;
    models.push({ sizes, parameters, figures: figuresOf(sizes, runs) });
  }
  return { engine, samples, seed, models, scaling: await measureScaling(samples, wanted) };
}

/** From the fastest rounds, because the limit is asked for. */
async function measureScaling(rounds: number, engine: EngineName): Promise<CoreScaling> {
  const world = await createWorld({ ranks: 2, engine });
  try {
    const byRank = await world.run<typeof scaling>(new URL("./core-scaling.ts", import.meta.url), { rounds });
    const aloneGflops = Math.max(...byRank[0]!.alone);
    const together = byRank[0]!.together.map((_, round) =>
      Math.min(...byRank.map((rank) => rank.together[round]!)),
    );
    const togetherGflops = Math.max(...together);
    return { aloneGflops, togetherGflops, speedup: (2 * togetherGflops) / aloneGflops };
  } finally {
    await world.close();
  }
}

async function runModel(
  sizes: StepSizes,
  { samples, seed, engine }: { readonly samples: number; readonly seed: number; readonly engine: EngineName },
): Promise<Run[]> {
  const worlds = await Promise.all(
    SETTINGS.map(({ mesh }) => createWorld({ ranks: mesh === null ? 1 : mesh.dp * mesh.tp, engine })),
  );
  const turns = createTurns(worlds.length);
  const steps = { warmUp: 4, timed: samples, profiled: 5 };
  try {
    return await Promise.all(
      worlds.map(async (world, player) => {
        const setting = SETTINGS[player]!;
        const program = new URL("./train.ts", import.meta.url);
        const { mesh } = setting;
        const results = await world.run<typeof train>(program, { sizes, mesh, seed, steps, turns, player });
        return { ...setting, results };
      }),
    );
  } finally {
    await Promise.all(worlds.map((world) => world.close()));
  }
}

function figuresOf(sizes: StepSizes, runs: readonly Run[]): StepFigure[] {
  const baseline = runs.find(({ name }) => name === BASELINE)!;
  const baselineMs = slowestPerStep(baseline.results.map(({ stepMs }) => stepMs));
  const baselineCpuMs = slowestPerStep(baseline.results.map(({ cpuMs }) => cpuMs));
  return runs.map(({ name, results }) => {
    const first = results[0]!;
    const ms = slowestPerStep(results.map(({ stepMs }) => stepMs));
    const cpuMs = slowestPerStep(results.map((result) => result.cpuMs));
    const stepMs = summarize(ms);
    return {
      name,
      ranks: results.length,
      stepMs,
      cpuMs: cpuMs.length === 0 ? null : median(cpuMs),
      tokensPerSecond: (sizes.batchSize * sizes.contextLength * 1000) / stepMs.median,
      speedup: medianRatio(baselineMs, ms),
      fastestSpeedup: Math.min(...baselineMs) / stepMs.min,
      cpuSpeedup: cpuMs.length === 0 ? null : medianRatio(baselineCpuMs, cpuMs),
      finalLoss: first.losses.at(-1)!,
      communication: first.communication,
      profile: first.profile!,
    };
  });
}

/** A step takes as long as its slowest rank. */
export function slowestPerStep(byRank: readonly (readonly number[])[]): number[] {
  return byRank[0]!.map((_, step) => Math.max(...byRank.map((times) => times[step]!)));
}
