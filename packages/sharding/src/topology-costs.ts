/**
 * How fast each axis of a mesh is, by the hosts of its ranks and by what `meshwright topology` measured between them.
 *
 * @packageDocumentation
 */
import { InternalError, type PairFigure, type Topology } from "@meshwright/core";
import type { AxisCost, MeshCosts } from "./mesh-costs.ts";
import { crossingAxes, hostsOf, linesAlong } from "./mesh-hosts.ts";

/**
 * An axis that crosses hosts, where nothing was measured: 10 Gbit/s Ethernet (10e9 / 8 bytes per second), and a small
 * message over TCP between two hosts that are network namespaces, as docs/multi-node.md shows it (tens of microseconds).
 * A third of the bandwidth and 25 times the latency of `DEFAULT_AXIS_COST`.
 */
export const CROSSING_AXIS_COST: AxisCost = Object.freeze({ bandwidth: 1.25e9, latencyMs: 0.05 });

/** What a world knows about the links between its ranks. */
interface Links {
  /** Host of every position of the mesh. */
  readonly hosts: readonly string[];
  readonly topology?: Topology;
  /** Whether the order of additions, and so the path of a sum, must be that of one host. */
  readonly deterministic: boolean;
}

/**
 * Speeds of the axes; the same on every rank, and no communication.
 *
 * - With a measured topology: of every axis of more than one rank, those of the slowest pair that it joins.
 * - Without one, on several hosts: `CROSSING_AXIS_COST` of the axes that cross them; not in a deterministic world.
 * - Otherwise none, so that `DEFAULT_AXIS_COST` holds.
 */
export function linkCosts(
  grid: { readonly axisNames: readonly string[]; readonly shape: readonly number[] },
  { hosts, topology, deterministic }: Links,
): MeshCosts {
  if (topology === undefined) {
    if (deterministic) return {};
    return Object.fromEntries(crossingAxes(grid, hosts).map((name) => [name, CROSSING_AXIS_COST]));
  }
  const figures = new Map(topology.flatMap(({ pairs }) => pairs).map((pair) => [pair.ranks.join(), pair]));
  return Object.fromEntries(
    grid.axisNames.flatMap((name, axis) =>
      grid.shape[axis] === 1 ? [] : [[name, costOf(linesAlong(grid.shape, axis), hosts, figures)]],
    ),
  );
}

/**
 * The slowest pair of ranks in any line of an axis counts: all lines work at once, and a collective is as fast as its
 * slowest member. A message passes it `ceil(log2 N)` times on its way to all N ranks of a line. Pairs were measured one
 * at a time; lines that leave the same host share its link, and get a part of its bandwidth each.
 *
 * @see Thakur, Rabenseifner, Gropp 2005, "Optimization of Collective Communication Operations in MPICH", section 4
 * (recursive doubling), https://doi.org/10.1177/1094342005051521
 */
function costOf(
  lines: readonly (readonly number[])[],
  hosts: readonly string[],
  figures: ReadonlyMap<string, PairFigure>,
): AxisCost {
  const pairs = lines.flatMap((line) =>
    line.flatMap((low, i) => line.slice(i + 1).map((high) => figureOf(figures, low, high))),
  );
  const crossing = lines.map((line) => hostsOf(line, hosts)).filter((each) => each.length > 1);
  const sharing = ({ ranks: [low, high] }: PairFigure): number =>
    hosts[low] === hosts[high]
      ? 1
      : Math.max(...[low, high].map((end) => crossing.filter((on) => on.includes(hosts[end]!)).length));
  const bandwidth = 1e9 * Math.min(...pairs.map((pair) => pair.bandwidthGBps / sharing(pair)));
  const latencyUs = Math.max(...pairs.map((pair) => pair.latencyUs));
  return { bandwidth, latencyMs: (Math.ceil(Math.log2(lines[0]!.length)) * latencyUs) / 1000 };
}

function figureOf(figures: ReadonlyMap<string, PairFigure>, low: number, high: number): PairFigure {
  const figure = figures.get(`${low},${high}`);
  // `createWorld` has checked that all pairs are there.
  if (figure === undefined) throw new InternalError(`the topology has no pair of ranks ${low} and ${high}`);
  return figure;
}
