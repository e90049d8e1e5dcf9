/**
 * The figures of the mixture-of-experts benchmark as tables.
 *
 * @packageDocumentation
 */
import type { Section } from "../report/table.ts";
import type { Summary } from "../statistics.ts";
import type { MoEBenchResult } from "./run.ts";

const PARTS = {
  layer: "whole layer",
  router: "router",
  moving: "plan, permute, unpermute",
  experts: "experts",
} as const;

const OVERLAP = {
  layer: "whole layer",
  shared: "shared expert",
  exchanges: "exchanges of rows in the layer, waiting included",
  alone: "as many rows exchanged alone",
  aloneCpu: "processor time of that",
} as const;

/** One table per question. */
export function moeSections({
  sizes,
  experts,
  parts,
  overheadShare,
  worlds,
  overlap,
}: MoEBenchResult): readonly Section[] {
  const { tokens, features, hidden, topK, experts: numExperts } = sizes;
  const size = `${tokens} tokens, top-${topK}, features ${features}, hidden ${hidden}`;
  return [
    {
      title: `Experts, forward and backward: ${size}`,
      table: {
        header: ["experts", "load", "max / mean", "way", "ms, median", "fastest", "times grouped"],
        rows: experts.map(({ experts: count, load, imbalance, way, ms, ratio }) => [
          ...[String(count), load, imbalance.toFixed(2), way, ...times(ms), ratio.toFixed(2)],
        ]),
      },
    },
    {
      title: `The layer and its parts on one rank, forward and backward: ${size}, ${numExperts} experts; all but the experts: ${percent(overheadShare)} of the layer`,
      table: {
        header: ["part", "ms, median", "fastest", "share"],
        rows: parts.map(({ part, ms, share }) => [PARTS[part], ...times(ms), percent(share)]),
      },
    },
    {
      title: `The layer on ranks, forward and backward: ${size}, ${numExperts} experts`,
      table: {
        header: [
          ...["ranks", "ms, median", "fastest", "speed-up", "processor ms", "its speed-up"],
          ...["collectives", "KiB sent by rank 0"],
        ],
        rows: worlds.map(({ name, ms, speedup, cpuMs, cpuSpeedup, communication }) => [
          ...[name, ...times(ms), speedup.toFixed(2), cpuMs.median.toFixed(1), cpuSpeedup.toFixed(2)],
          String(communication.reduce((sum, { calls }) => sum + calls, 0)),
          (communication.reduce((sum, { bytesSent }) => sum + bytesSent, 0) / 1024).toFixed(0),
        ]),
      },
    },
    {
      title: `A layer with a shared expert on two ranks, forward and backward: ${size}, ${numExperts} experts`,
      table: {
        header: ["what", "ms, median", "fastest"],
        rows: Object.entries(OVERLAP).map(([what, name]) => [
          name,
          ...times(overlap[what as keyof typeof OVERLAP]),
        ]),
      },
    },
  ];
}

function times({ median, min }: Summary): string[] {
  return [median.toFixed(1), min.toFixed(1)];
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)}%`;
}
