/**
 * The data-parallel benchmark: gradients reduced one by one and in buckets, and what each ZeRO stage costs and saves.
 *
 * @packageDocumentation
 */
import { createWorld, type GPTOptions } from "@meshwright/core";
import { memoryTable, type MemoryRow } from "@meshwright/sharding";
import { summarize, type Summary } from "../statistics.ts";
import type program from "./program.ts";
import type { Training, TrainingFacts } from "./program.ts";
import type { Sample } from "./thread-cpu.ts";

/** Settings of the benchmark. */
export interface DataParallelBenchOptions {
  readonly ranks?: number;
  readonly rounds?: number;
  readonly features?: number;
  readonly layers?: number;
}

/** One way to train, on rank 0. */
export interface TrainingFigure extends TrainingFacts {
  readonly name: Training;
  readonly wallMs: Summary;
  /** Processor time of rank 0's thread. */
  readonly cpuMs: Summary;
}

/** Reducing all gradients with buckets of one size, on rank 0. */
export interface ReductionFigure {
  readonly bucketBytes: number;
  readonly wallMs: Summary;
  readonly cpuMs: Summary;
}

/** All figures, of rank 0. */
export interface DataParallelBenchResult {
  readonly engine: string;
  readonly ranks: number;
  readonly rows: number;
  readonly sizes: GPTOptions;
  readonly numTensors: number;
  readonly numParameters: number;
  readonly reductions: readonly ReductionFigure[];
  readonly trainings: readonly TrainingFigure[];
  readonly formula: readonly MemoryRow[];
}

/** One by one, and from small buckets to PyTorch's. */
const BUCKET_BYTES = [1, 2 ** 16, 2 ** 18, 2 ** 20, 4 * 2 ** 20, 25 * 2 ** 20];

/** Measures on worker threads of this process. */
export async function runDataParallelBench(
  options: DataParallelBenchOptions = {},
): Promise<DataParallelBenchResult> {
  const { ranks = 2, rounds = 15, features = 256, layers = 4 } = options;
  const sizes: GPTOptions = { vocabSize: 96, contextLength: 64, features, heads: 4, layers };
  const rows = 2 * ranks;
  const world = await createWorld({ ranks, engine: "wasm" });
  try {
    const url = new URL("./program.ts", import.meta.url);
    const [rank] = await world.run<typeof program>(url, {
      ...{ sizes, rows, rounds, warmUp: 3 },
      bucketBytes: BUCKET_BYTES,
    });
    const { engine, numTensors, numParameters, reductions, steps, facts } = rank!;
    const trainings = (Object.keys(steps) as Training[]).map((name) => ({
      name,
      ...facts[name],
      ...summaries(steps[name]),
    }));
    return {
      ...{ engine, ranks, rows, sizes, numTensors, numParameters, trainings },
      reductions: reductions.map(({ bucketBytes, samples }) => ({ bucketBytes, ...summaries(samples) })),
      formula: memoryTable({ parameters: numParameters, ranks }),
    };
  } finally {
    await world.close();
  }
}

function summaries(samples: readonly Sample[]): { readonly wallMs: Summary; readonly cpuMs: Summary } {
  return {
    wallMs: summarize(samples.map(({ wallMs }) => wallMs)),
    cpuMs: summarize(samples.map(({ cpuMs }) => cpuMs)),
  };
}
