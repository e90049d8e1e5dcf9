/**
 * All benchmarks by name, and what `pnpm bench --json` writes.
 *
 * @packageDocumentation
 */
import { runCollectivesBench, type CollectivesBenchResult } from "./collectives/run.ts";
import type { Conditions } from "./conditions.ts";
import { runEngineBench, type EngineBenchResult } from "./engine/run.ts";
import { runPipelineBench, type PipelineBenchResult } from "./pipeline/run.ts";
import { runOverheadBench, type OverheadBenchResult } from "./sharding/run.ts";
import { runStepBench, type StepBenchResult } from "./step/run.ts";

/** What each benchmark measures. */
export const BENCHMARKS = {
  collectives: "latency and bandwidth of all-reduce between threads",
  "sharding-overhead": "microseconds per tiny operation, plain tfjs and sharded",
  "training-step": "a GPT's training step: plain tfjs, 1 rank, tp=2, dp=2",
  engine: "kernels of the wasm engine beside the stock ones",
  pipeline: "pipeline schedules: predicted and measured efficiency, overhead per action",
} as const;

/** A name that `pnpm bench` takes. */
export type BenchmarkName = keyof typeof BENCHMARKS;

/** Figures of the benchmarks that ran, and their conditions. */
export interface BenchResults extends Conditions {
  readonly seed: number;
  /** Few samples: not for reports. */
  readonly quick: boolean;
  readonly collectives?: CollectivesBenchResult;
  readonly "sharding-overhead"?: OverheadBenchResult;
  readonly "training-step"?: StepBenchResult;
  readonly engine?: EngineBenchResult;
  readonly pipeline?: PipelineBenchResult;
}

/** Runs one benchmark; its figures come under its name. */
export async function runBenchmark(
  name: BenchmarkName,
  { quick, seed }: { readonly quick: boolean; readonly seed: number },
): Promise<Partial<BenchResults>> {
  switch (name) {
    case "collectives":
      return { [name]: await runCollectivesBench(quick ? { samples: 3 } : {}) };
    case "sharding-overhead":
      return { [name]: await runOverheadBench(quick ? { samples: 5 } : {}) };
    case "training-step":
      return { [name]: await runStepBench(quick ? { samples: 3, features: 256, seed } : { seed }) };
    case "engine":
      return { [name]: await runEngineBench(quick ? { samples: 1 } : {}) };
    case "pipeline":
      return { [name]: await runPipelineBench(quick ? { samples: 1, rankMs: 5 } : {}) };
  }
}
