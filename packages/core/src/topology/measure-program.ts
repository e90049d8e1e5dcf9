/**
 * What every rank runs for `meshwright topology`: messages back and forth between one pair of ranks after the other.
 *
 * @packageDocumentation
 */
import type { ProcessGroup } from "../collectives/process-group.ts";
import { defineProgram } from "../runtime/program.ts";
import type { PairFigure, RankTopology } from "./topology.ts";

/** How to measure. */
export interface TopologyOptions {
  /** Size of the message whose time gives the bandwidth. */
  readonly bytes: number;
  /** Samples per figure; the median counts. */
  readonly samples: number;
}

/** Round trips per sample of the latency. */
const LATENCY_ROUNDS = 200;
/** Bytes per sample of the bandwidth, in both directions together. */
const SAMPLE_BYTES = 16_777_216;

const SMALL_BYTES = 4;

export default defineProgram<TopologyOptions, never, RankTopology>(({ world, options }) => {
  const { group } = world;
  const pairs: PairFigure[] = [];
  for (let low = 0; low < group.size; low++) {
    for (let high = low + 1; high < group.size; high++) {
      // The others are quiet meanwhile: they wait here for the next pair.
      group.barrier({ label: "next pair" });
      if (group.rank === low || group.rank === high) {
        const figure = measurePair(group, [low, high], options);
        if (group.rank === low) pairs.push(figure);
      }
    }
  }
  return { host: world.hosts[world.rank]!, pairs };
});

function measurePair(
  group: ProcessGroup,
  ranks: readonly [number, number],
  { bytes, samples }: TopologyOptions,
): PairFigure {
  const rounds = Math.max(2, Math.round(SAMPLE_BYTES / bytes / 2));
  const latencyMs = medianTrip(group, ranks, { bytes: SMALL_BYTES, rounds: LATENCY_ROUNDS, samples });
  const largeMs = medianTrip(group, ranks, { bytes, rounds, samples });
  return { ranks, latencyUs: latencyMs * 1000, bandwidthGBps: bytes / largeMs / 1e6 };
}

/** Milliseconds that a message takes one way. The first sample warms up and does not count. */
function medianTrip(
  group: ProcessGroup,
  [low, high]: readonly [number, number],
  { bytes, rounds, samples }: { readonly bytes: number; readonly rounds: number; readonly samples: number },
): number {
  const buffer = new Uint8Array(bytes);
  const isLow = group.rank === low;
  const other = isLow ? high : low;
  const times = Array.from({ length: samples + 1 }, () => {
    const start = performance.now();
    for (let round = 0; round < rounds; round++) {
      if (isLow) group.send(buffer, other);
      group.receive(buffer, other);
      if (!isLow) group.send(buffer, other);
    }
    return (performance.now() - start) / (2 * rounds);
  });
  const sorted = times.slice(1).toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}
