/**
 * The collectives benchmark: latency and bandwidth of all-reduce beside memcpy, and what waiting costs.
 *
 * @packageDocumentation
 */
import { once } from "node:events";
import { availableParallelism, cpus } from "node:os";
import { Worker } from "node:worker_threads";
import { createThreadsArena } from "../../packages/core/src/transport/threads/arena.ts";
import type { Measurement, RankSample, RankTask } from "./measurement.ts";

/** Settings of the benchmark. */
export interface CollectivesBenchOptions {
  /** Samples per figure; the median counts. Default 15. */
  readonly samples?: number;
  /** Bytes of one outbox slot; default: that of `createThreadsArena`. */
  readonly chunkBytes?: number;
}

/** Latency of a small all-reduce. */
export interface LatencyFigure {
  readonly ranks: number;
  readonly bytes: number;
  readonly microseconds: number;
}

/** Bandwidth = bytes of the array / time; `memcpy` is `TypedArray.set` of the same bytes by all ranks at once. */
export interface BandwidthFigure {
  readonly ranks: number;
  readonly bytes: number;
  readonly allReduceGBps: number;
  readonly memcpyGBps: number;
}

/** What waiting costs the rank that computes. */
export interface WaitingFigure {
  readonly ranks: number;
  /** Time of a computation while the other ranks wait for it, divided by its time alone. */
  readonly slowdown: number;
  /** Processor time of one waiting rank as a share of the wall-clock time that it waits; `null` if not known. */
  readonly waitingCpuShare: number | null;
}

/** All figures. */
export interface CollectivesBenchResult {
  readonly machine: { readonly cpu: string; readonly cores: number; readonly node: string };
  readonly date: string;
  readonly samples: number;
  readonly latency: readonly LatencyFigure[];
  readonly bandwidth: readonly BandwidthFigure[];
  readonly waiting: readonly WaitingFigure[];
}

const MIB = 1_048_576;

/** Measures on worker threads of this process. Samples of compared figures are interleaved; medians are returned. */
export async function runCollectivesBench(
  options: CollectivesBenchOptions = {},
): Promise<CollectivesBenchResult> {
  const { samples = 15, chunkBytes } = options;
  const file = new URL("./rank.mjs", import.meta.url);
  const workers = Array.from({ length: 4 }, () => new Worker(file));
  const measure = async (ranks: number, measurement: Measurement): Promise<readonly RankSample[]> => {
    const arena = createThreadsArena({ ranks, ...(chunkBytes === undefined ? {} : { chunkBytes }) });
    return Promise.all(
      workers.slice(0, ranks).map(async (worker, rank) => {
        const reply = once(worker, "message");
        worker.postMessage({ arena, rank, measurement } satisfies RankTask);
        return (await reply)[0] as RankSample;
      }),
    );
  };
  try {
    const latency = [await latencyOf(measure, 2, samples), await latencyOf(measure, 4, samples)];
    const bandwidth: BandwidthFigure[] = [];
    for (const ranks of [2, 4]) {
      for (const mib of [1, 16, 64]) bandwidth.push(await bandwidthOf(measure, ranks, mib * MIB, samples));
    }
    const waiting = [await waitingOf(measure, 2, samples), await waitingOf(measure, 4, samples)];
    return {
      machine: { cpu: cpus()[0]?.model ?? "unknown", cores: availableParallelism(), node: process.version },
      date: new Date().toISOString(),
      samples,
      latency,
      bandwidth,
      waiting,
    };
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

type Measure = (ranks: number, measurement: Measurement) => Promise<readonly RankSample[]>;

async function latencyOf(measure: Measure, ranks: number, samples: number): Promise<LatencyFigure> {
  const calls = ranks === 2 ? 20_000 : 1_000;
  const times: number[] = [];
  for (let index = 0; index < samples; index++) {
    times.push(slowest(await measure(ranks, { kind: "latency", bytes: 4, calls })));
  }
  return { ranks, bytes: 4, microseconds: median(times) * 1000 };
}

async function bandwidthOf(
  measure: Measure,
  ranks: number,
  bytes: number,
  samples: number,
): Promise<BandwidthFigure> {
  const calls = Math.max(2, Math.round((128 * MIB) / bytes));
  const reduced: number[] = [];
  const copied: number[] = [];
  for (let index = 0; index < samples; index++) {
    reduced.push(slowest(await measure(ranks, { kind: "bandwidth", bytes, calls })));
    copied.push(slowest(await measure(ranks, { kind: "memcpy", bytes, calls })));
  }
  return {
    ranks,
    bytes,
    allReduceGBps: bytes / median(reduced) / 1e6,
    memcpyGBps: bytes / median(copied) / 1e6,
  };
}

async function waitingOf(measure: Measure, ranks: number, samples: number): Promise<WaitingFigure> {
  const turns = 100_000_000;
  const alone: number[] = [];
  const watched: number[] = [];
  const shares: number[] = [];
  for (let index = 0; index < samples; index++) {
    const idle = await measure(ranks, { kind: "waiting", turns, others: "idle" });
    const wait = await measure(ranks, { kind: "waiting", turns, others: "wait" });
    alone.push(idle[0]!.ms);
    watched.push(wait[0]!.ms);
    for (const { ms, cpuMs } of wait.slice(1)) if (cpuMs !== null) shares.push(cpuMs / ms);
  }
  return {
    ranks,
    slowdown: median(watched) / median(alone),
    waitingCpuShare: shares.length === 0 ? null : median(shares),
  };
}

function slowest(samples: readonly RankSample[]): number {
  return Math.max(...samples.map(({ ms }) => ms));
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
