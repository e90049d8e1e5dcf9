/**
 * The measured topology of a world, as text.
 *
 * @packageDocumentation
 */
import type { PairFigure, Topology } from "./topology.ts";

const COLUMN_WIDTH = 8;

/** Hosts with their ranks, a table of latencies, one of bandwidths, and the medians within and between hosts. */
export function describeTopology(ranks: Topology, bytes: number): string {
  const hosts = ranks.map(({ host }) => host);
  const pairs = ranks.flatMap((rank) => rank.pairs);
  const lines = [
    ...[...new Set(hosts)].map((host) => `${host}: ${rankNames(hosts, host)}`),
    "",
    "latency of 4 B, one way (us)",
    ...table(hosts.length, pairs, ({ latencyUs }) => latencyUs),
    "",
    `bandwidth of ${bytes} B (GB/s)`,
    ...table(hosts.length, pairs, ({ bandwidthGBps }) => bandwidthGBps),
  ];
  const within = pairs.filter(({ ranks: [low, high] }) => hosts[low] === hosts[high]);
  const between = pairs.filter((pair) => !within.includes(pair));
  return [...lines, "", ...summary("within a host", within), ...summary("between hosts", between)].join("\n");
}

function rankNames(hosts: readonly string[], host: string): string {
  const ranks = hosts.flatMap((each, rank) => (each === host ? [rank] : []));
  return `${ranks.length === 1 ? "rank" : "ranks"} ${ranks.join(", ")}`;
}

function table(
  size: number,
  pairs: readonly PairFigure[],
  figureOf: (pair: PairFigure) => number,
): readonly string[] {
  const cell = (text: string): string => text.padStart(COLUMN_WIDTH);
  const ranks = Array.from({ length: size }, (_, rank) => rank);
  const rowOf = (row: number): string =>
    ranks
      .map((column) => {
        const pair = pairs.find(
          ({ ranks: [low, high] }) => low === Math.min(row, column) && high === Math.max(row, column),
        );
        return cell(pair === undefined ? "-" : figureOf(pair).toPrecision(3));
      })
      .join("");
  return [
    cell("rank") + ranks.map((rank) => cell(String(rank))).join(""),
    ...ranks.map((row) => cell(String(row)) + rowOf(row)),
  ];
}

function summary(where: string, pairs: readonly PairFigure[]): readonly string[] {
  if (pairs.length === 0) return [];
  const latency = median(pairs.map(({ latencyUs }) => latencyUs));
  const bandwidth = median(pairs.map(({ bandwidthGBps }) => bandwidthGBps));
  return [`${where}: ${latency.toPrecision(3)} us, ${bandwidth.toPrecision(3)} GB/s (medians over pairs)`];
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}
