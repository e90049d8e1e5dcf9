/**
 * The measured topology of a job: what `meshwright topology` writes and `meshwright run --topology` reads.
 *
 * @packageDocumentation
 */
import { ContractError } from "../errors.ts";

/** One pair of ranks. */
export interface PairFigure {
  /** The lower rank first. */
  readonly ranks: readonly [number, number];
  /** Microseconds that a message of 4 bytes takes one way. */
  readonly latencyUs: number;
  /** Bytes per second / 1e9 of a large message. */
  readonly bandwidthGBps: number;
}

/** What one rank found: its host, and the pairs of which it is the lower rank. */
export interface RankTopology {
  readonly host: string;
  readonly pairs: readonly PairFigure[];
}

/** By rank. Holds one figure of every pair of ranks. */
export type Topology = readonly RankTopology[];

const MEASURE =
  "measure it with meshwright topology --save FILE, started by the same launcher on the same hosts";

/** What is wrong with a value that should be a topology, as `topology (value) must rule; fix`; `undefined` if nothing is. */
export function topologyProblem(topology: unknown): string | undefined {
  if (!Array.isArray(topology) || topology.length === 0) {
    const what = Array.isArray(topology) ? "[]" : typeof topology;
    return `topology (${what}) must be an array with an entry per rank; ${MEASURE}`;
  }
  const bad = topology.findIndex((entry) => !isRankTopology(entry));
  if (bad >= 0) {
    return `topology (entry of rank ${bad}) must hold its host and the pairs, each with ranks, a positive latencyUs and a positive bandwidthGBps; ${MEASURE}`;
  }
  const missing = missingPair(topology as Topology);
  if (missing === undefined) return undefined;
  return `topology (none of ranks ${missing[0]} and ${missing[1]}) must have one figure of every pair of its ${topology.length} ranks; ${MEASURE}`;
}

/** The same of a topology that is well-formed, about the number of ranks. */
export function topologySizeProblem(topology: Topology, numRanks: number): string | undefined {
  if (topology.length === numRanks) return undefined;
  return `topology (of ${topology.length} ranks) must be of as many ranks as the world (${numRanks}); ${MEASURE}`;
}

/** @throws ContractError unless each rank is on the host on which it was measured. */
export function checkTopologyHosts(where: string, topology: Topology, hosts: readonly string[]): void {
  const rank = topology.findIndex(({ host }, each) => host !== hosts[each]);
  if (rank < 0) return;
  throw new ContractError(
    `${where}: topology (rank ${rank} on ${topology[rank]!.host}) must be of the hosts of this job (rank ${rank} on ${hosts[rank]!}); ${MEASURE}.`,
  );
}

function isRankTopology(entry: unknown): entry is RankTopology {
  const { host, pairs } = (entry ?? {}) as Record<string, unknown>;
  return typeof host === "string" && Array.isArray(pairs) && pairs.every(isPairFigure);
}

function isPairFigure(pair: unknown): pair is PairFigure {
  const { ranks, latencyUs, bandwidthGBps } = (pair ?? {}) as Record<string, unknown>;
  return (
    Array.isArray(ranks) &&
    ranks.length === 2 &&
    ranks.every(Number.isInteger) &&
    [latencyUs, bandwidthGBps].every((figure) => Number.isFinite(figure) && (figure as number) > 0)
  );
}

/** The first pair of ranks without exactly one figure. */
function missingPair(topology: Topology): readonly [number, number] | undefined {
  const counts = new Map<string, number>();
  for (const { ranks } of topology.flatMap(({ pairs }) => pairs)) {
    counts.set(ranks.join(), (counts.get(ranks.join()) ?? 0) + 1);
  }
  for (let low = 0; low < topology.length; low++) {
    for (let high = low + 1; high < topology.length; high++) {
      if (counts.get(`${low},${high}`) !== 1) return [low, high];
    }
  }
  return undefined;
}
