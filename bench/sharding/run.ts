/**
 * The overhead benchmark: microseconds per tiny operation on the sharded backend beside plain tfjs on the same engine.
 *
 * @packageDocumentation
 */
import { createWorld } from "@meshwright/core";
import { median, medianRatio } from "../statistics.ts";
import type operations from "./operations.ts";

/** Settings of the benchmark. */
export interface OverheadBenchOptions {
  /** Samples per figure; the median counts. Default 31. */
  readonly samples?: number;
}

/** Microseconds per operation, result freed. */
export interface OverheadFigure {
  readonly name: string;
  /** Ranks of the world; tensors are split over them, and no operation communicates. */
  readonly ranks: number;
  readonly plainMicroseconds: number;
  readonly shardedMicroseconds: number;
  /** Median over the rounds of sharded / plain. */
  readonly ratio: number;
}

/** All figures, of rank 0. */
export interface OverheadBenchResult {
  readonly engine: string;
  readonly samples: number;
  readonly callsPerSample: number;
  readonly figures: readonly OverheadFigure[];
}

const CALLS = 2000;

/** Measures on worker threads of this process. */
export async function runOverheadBench(options: OverheadBenchOptions = {}): Promise<OverheadBenchResult> {
  const { samples = 31 } = options;
  const figures: OverheadFigure[] = [];
  for (const ranks of [1, 2]) figures.push(...(await measure(ranks, samples)));
  return { engine: "wasm", samples, callsPerSample: CALLS, figures };
}

async function measure(ranks: number, rounds: number): Promise<OverheadFigure[]> {
  const world = await createWorld({ ranks, engine: "wasm" });
  try {
    const program = new URL("./operations.ts", import.meta.url);
    const byRank = await world.run<typeof operations>(program, { rounds, calls: CALLS });
    return byRank[0]!.map(({ name, plain, sharded }) => ({
      name,
      ranks,
      plainMicroseconds: median(plain),
      shardedMicroseconds: median(sharded),
      ratio: medianRatio(sharded, plain),
    }));
  } finally {
    await world.close();
  }
}
