/**
 * The benchmark against PyTorch: one training step and single operations, of Meshwright, of plain tfjs and of PyTorch, on
 * one thread per rank. All of them live at once and take turns.
 *
 * @packageDocumentation
 */
import { medianRatio, summarize, type Summary } from "../statistics.ts";
import type { StepProfile } from "../step/kernel-times.ts";
import { MODELS } from "../step/run.ts";
import type { StepSizes } from "../step/train.ts";
import { createTurns } from "../step/turns.ts";
import { limitMs, workOf, type StepWork } from "./limit.ts";
import { MEASURED, measureOperations, type OperationFigure } from "./measure.ts";
import { PLAYERS, type Game, type Played } from "./players.ts";
import { pythonWithTorch } from "./python.ts";
import { startTorch } from "./torch-ranks.ts";

/** Settings of the benchmark. */
export interface PytorchBenchOptions {
  /** Timed steps of every way to run. */
  readonly samples: number;
  readonly seed: number;
  /** Only the model with so many features. */
  readonly features?: number;
  /** A Python that has PyTorch. */
  readonly python?: string;
  /** A tiny model and few samples: shows that it runs, not how fast. */
  readonly quick?: boolean;
}

const TINY: StepSizes = { ...MODELS[0]!, features: 32, layers: 1, heads: 2, contextLength: 16 };

/** One way to run the step. */
export interface PlayerFigure {
  readonly name: string;
  readonly ranks: number;
  readonly stepMs: Summary;
  /** Median of (this time / the time of PyTorch on 1 rank) over the rounds. */
  readonly ofTorch: number;
  /** The same of the fastest steps, which others at work on the machine disturb least. */
  readonly fastestOfTorch: number;
  /** Median of (time of the same program on 1 rank / this time) over the rounds. */
  readonly speedup: number;
  readonly fastestSpeedup: number;
  readonly finalLoss: number;
  readonly bytesSent: number | null;
  readonly profile: StepProfile | null;
}

/** All figures of one model. */
export interface ModelFigures {
  readonly sizes: StepSizes;
  readonly parameters: number;
  readonly work: StepWork;
  readonly limitMs: number;
  readonly figures: readonly PlayerFigure[];
}

/** All figures. */
export interface PytorchBenchResult {
  readonly quick: boolean;
  readonly samples: number;
  readonly seed: number;
  readonly torch: string;
  readonly models: readonly ModelFigures[];
  readonly operations: readonly OperationFigure[];
}

/** The run takes minutes; who waits sees that it goes on. */
function say(what: string): void {
  console.error(`  ${what}`);
}

/** Runs everything; the operations first, because the limit of a step comes from them. */
export async function runPytorchBench(options: PytorchBenchOptions): Promise<PytorchBenchResult> {
  const { seed, features, quick = false } = options;
  const samples = quick ? 1 : options.samples;
  const python = await pythonWithTorch(options.python);
  const torch = await startTorch(python, { mode: "dense", ranks: 1, sizes: MODELS[0]! });
  await torch.close();
  console.log(`PyTorch ${torch.version}; single operations, then training steps`);
  const operations = await measureOperations(python, { rounds: samples, quick, onDone: say });
  const models: ModelFigures[] = [];
  for (const sizes of quick ? [TINY] : MODELS) {
    if (features !== undefined && !quick && sizes.features !== features) continue;
    say(`training step, hidden ${sizes.features}`);
    const steps = { warmUp: quick ? 1 : 3, timed: samples, profiled: quick ? 1 : 5 };
    const figures = figuresOf(await playAll({ sizes, seed, steps, python }));
    const parameters = countOf(sizes);
    const work = workOf(sizes, parameters);
    models.push({ sizes, parameters, work, limitMs: limitMs(work, bestOf(operations)), figures });
  }
  return { quick, samples, seed, torch: torch.version, models, operations };
}

async function playAll(game: Game): Promise<Played[]> {
  const ready = await Promise.all(PLAYERS.map((player) => player.ready(game)));
  const turns = createTurns(ready.length);
  try {
    return await Promise.all(ready.map(({ play }, player) => play(turns, player)));
  } finally {
    await Promise.all(ready.map(({ close }) => close()));
  }
}

/** Whose 1 rank a way to run is compared with. */
function baselineOf(name: string): string {
  return name.startsWith("PyTorch") ? "PyTorch, 1 rank" : "Meshwright, 1 rank";
}

function figuresOf(played: readonly Played[]): PlayerFigure[] {
  const msOf = (name: string): readonly number[] =>
    played[PLAYERS.findIndex((player) => player.name === name)]!.stepMs;
  const torchMs = msOf("PyTorch, 1 rank");
  return PLAYERS.map(({ name, ranks }, index) => {
    const { stepMs: ms, ...rest } = played[index]!;
    const baseline = msOf(baselineOf(name));
    const stepMs = summarize(ms);
    return {
      name,
      ranks,
      stepMs,
      ofTorch: medianRatio(ms, torchMs),
      fastestOfTorch: stepMs.min / Math.min(...torchMs),
      speedup: medianRatio(baseline, ms),
      fastestSpeedup: Math.min(...baseline) / stepMs.min,
      ...rest,
    };
  });
}

/** The fastest product and the fastest sum of two arrays, of any column. */
function bestOf(operations: readonly OperationFigure[]): { gflops: number; gbps: number } {
  const best = (unit: OperationFigure["unit"], isWanted: (name: string) => boolean): number =>
    Math.max(
      ...operations
        .filter((operation) => operation.unit === unit && isWanted(operation.name))
        .flatMap(({ work, fastestMs }) => fastestMs.map((ms) => (ms === null ? 0 : work / ms / 1e6))),
    );
  return { gflops: best("GFLOP/s", () => true), gbps: best("GB/s", (name) => name === "add") };
}

/** Weights, biases and norms of the GPT of `bench/step`; its head is not tied. */
function countOf({ features: D, layers, vocabSize, contextLength }: StepSizes): number {
  return layers * (12 * D * D + 13 * D) + 2 * D + (2 * vocabSize + contextLength) * D;
}

export { MEASURED };
