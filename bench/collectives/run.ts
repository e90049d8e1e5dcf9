/**
 * The collectives benchmark: latency and bandwidth of all-reduce beside memcpy, and what waiting costs.
 *
 * @packageDocumentation
 */
import { availableParallelism, cpus } from "node:os";
import { createWorld } from "@meshwright/core";
import { median, medianRatio } from "../statistics.ts";
import type program from "./program.ts";
import type { Measurement, RankSample } from "./program.ts";

/** Settings of the benchmark. */
export interface CollectivesBenchOptions {
  /** Samples per figure; the median counts. Default 15. */
  readonly samples?: number;
}

/** Latency of a small all-reduce. */
export interface LatencyFigure {
  readonly ranks: number;
  readonly bytes: number;
  readonly medianUs: number;
  /** The fastest sample: what it is where the system leaves both ranks their cores. */
  readonly minUs: number;
}

/** Bandwidth = bytes of the array / time; `memcpy` is `TypedArray.set` of the same bytes by all ranks at once. */
export interface BandwidthFigure {
  readonly ranks: number;
  readonly bytes: number;
  readonly allReduceGBps: number;
  readonly maxAllReduceGBps: number;
  readonly memcpyGBps: number;
}

/** What waiting costs the rank that computes. */
export interface WaitingFigure {
  readonly ranks: number;
  /** Time of a computation while the other ranks wait for it, divided by its time while they are idle. */
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
/** About 0.1 s, so that a waiting rank sleeps for nearly all of it. */
const COMPUTE_TURNS = 100_000_000;

/** Runs measurements on all ranks of a world; `samples[i][r]` is measurement `i` on rank `r`. */
type Measure = (measurements: readonly Measurement[]) => Promise<readonly (readonly RankSample[])[]>;

/** Measures on worker threads of this process, on 2 and 4 ranks. Samples that are compared are interleaved. */
export async function runCollectivesBench(
  options: CollectivesBenchOptions = {},
): Promise<CollectivesBenchResult> {
  const { samples = 15 } = options;
  const latency: LatencyFigure[] = [];
  const bandwidth: BandwidthFigure[] = [];
  const waiting: WaitingFigure[] = [];
  for (const ranks of [2, 4]) {
    const world = await createWorld({ ranks, engine: "cpu" });
    const measure: Measure = async (measurements) => {
      const results = await world.run<typeof program>(new URL("./program.ts", import.meta.url), measurements);
      return measurements.map((_, index) => results.map((ofRank) => ofRank[index]!));
    };
    try {
      latency.push({ ranks, ...(await latencyOf(measure, ranks, samples)) });
      for (const mib of [1, 16, 64]) {
        bandwidth.push({ ranks, ...(await bandwidthOf(measure, mib * MIB, samples)) });
      }
      waiting.push({ ranks, ...(await waitingOf(measure, samples)) });
    } finally {
      await world.close();
    }
  }
  return {
    machine: { cpu: cpus()[0]?.model ?? "unknown", cores: availableParallelism(), node: process.version },
    date: new Date().toISOString(),
    ...{ samples, latency, bandwidth, waiting },
  };
}

async function latencyOf(
  measure: Measure,
  ranks: number,
  samples: number,
): Promise<Omit<LatencyFigure, "ranks">> {
  const calls = ranks <= availableParallelism() ? 5_000 : 500;
  const taken = await measure(repeated(samples, [{ kind: "allReduce", bytes: 4, calls }]));
  const times = taken.map(slowestMs);
  return { bytes: 4, medianUs: median(times) * 1000, minUs: Math.min(...times) * 1000 };
}

async function bandwidthOf(
  measure: Measure,
  bytes: number,
  samples: number,
): Promise<Omit<BandwidthFigure, "ranks">> {
  const calls = Math.max(2, Math.round((64 * MIB) / bytes));
  const pair: readonly Measurement[] = [
    { kind: "allReduce", bytes, calls },
    { kind: "memcpy", bytes, calls },
  ];
  const taken = (await measure(repeated(samples, pair))).map(slowestMs);
  const [reduced, copied] = [everyOther(taken, 0), everyOther(taken, 1)];
  return {
    bytes,
    allReduceGBps: bytes / median(reduced) / 1e6,
    maxAllReduceGBps: bytes / Math.min(...reduced) / 1e6,
    memcpyGBps: bytes / median(copied) / 1e6,
  };
}

async function waitingOf(measure: Measure, samples: number): Promise<Omit<WaitingFigure, "ranks">> {
  const pair: readonly Measurement[] = [
    { kind: "compute", turns: COMPUTE_TURNS, others: "wait" },
    { kind: "compute", turns: COMPUTE_TURNS, others: "idle" },
  ];
  const taken = await measure(repeated(samples, pair));
  const [waited, alone] = [everyOther(taken, 0), everyOther(taken, 1)];
  const rankZeroMs = (ranks: readonly RankSample[]): number => ranks[0]!.ms;
  const shares = waited.flatMap((ranks) =>
    ranks.slice(1).flatMap(({ ms, cpuMs }) => (cpuMs === null ? [] : [cpuMs / ms])),
  );
  return {
    slowdown: medianRatio(waited.map(rankZeroMs), alone.map(rankZeroMs)),
    waitingCpuShare: shares.length === 0 ? null : median(shares),
  };
}

function repeated(times: number, measurements: readonly Measurement[]): readonly Measurement[] {
  return Array.from({ length: times }, () => measurements).flat();
}

function everyOther<T>(values: readonly T[], first: 0 | 1): readonly T[] {
  return values.filter((_, index) => index % 2 === first);
}

function slowestMs(ranks: readonly RankSample[]): number {
  return Math.max(...ranks.map(({ ms }) => ms));
}
