import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Topology } from "@meshwright/core";
import { afterAll, describe, expect, test, vi } from "vitest";
import { Hosts } from "../../core/test/mpi/hosts.ts";
import { HANG_MS, installedMpiruns, mpirun, type Finished } from "../../core/test/mpi/mpirun.ts";
import { CROSSING_AXIS_COST, type MeshCosts } from "@meshwright/sharding";

vi.setConfig({ testTimeout: 2 * HANG_MS });
const openMpi = installedMpiruns().find(({ name }) => name === "Open MPI");
const hosts = openMpi === undefined ? undefined : Hosts.make(2, 93);
const folder = mkdtempSync(join(tmpdir(), "meshwright-topology-"));
afterAll(() => {
  hosts?.remove();
  rmSync(folder, { recursive: true, force: true });
});

const bin = fileURLToPath(new URL("../../core/bin/meshwright.mjs", import.meta.url));
const program = fileURLToPath(new URL("./programs/host-mesh.ts", import.meta.url));
const topologyFile = join(folder, "topology.json");
/** Slow enough to show, on a machine that is busy with other things too. */
const SLOW_BYTES_PER_SECOND = 50e6;

/** What each rank printed. */
interface Said {
  readonly rank: number;
  readonly process: string;
  readonly hosts: readonly string[];
  readonly mesh: string;
  readonly stage: string;
  readonly costs: MeshCosts<"dp" | "tp">;
  readonly bytesAcrossHosts: number;
  readonly sum: number;
  readonly order: readonly number[];
}

function said({ code, stdout, stderr }: Finished): readonly Said[] {
  if (code !== 0) throw new Error(`mpirun ended with ${String(code)}:\n${stdout}${stderr}`);
  const lines = stdout.split("\n").filter((line) => line.startsWith("["));
  const all = lines.map((line) => JSON.parse(line.slice(line.indexOf("]") + 1)) as Said);
  return all.toSorted((a, b) => a.rank - b.rank);
}

describe.skipIf(hosts !== undefined)("Meshes on two hosts", () => {
  test.skip("need Open MPI, ip, unshare, and root, to be made as network namespaces", () => undefined);
});

describe.runIf(hosts !== undefined)("Meshes on two hosts", () => {
  const run = [bin, "run", program, "--engine", "cpu"];

  test("are planned by the measured topology, and compute the same however processes are placed", async () => {
    // Here, because the body of a suite that is skipped runs all the same.
    const { command, name, options } = hosts!.launcher(openMpi!);
    const launcher = { command, name, options: [...options, "--map-by", "node:OVERSUBSCRIBE"] };
    const blocked = { command, name, options: [...options, "--map-by", "ppr:2:node:OVERSUBSCRIBE"] };
    const plain = said(await mpirun(blocked, 4, run));
    expect(hosts!.slow(2, SLOW_BYTES_PER_SECOND)).toBe(true);
    const measure = [bin, "topology", "--samples", "3", "--bytes", "1048576", "--save", topologyFile];
    const measured = await mpirun(launcher, 4, measure);
    expect(measured.stdout).toContain("node-1: ranks 0, 1\nnode-2: ranks 2, 3\n");
    const topology = JSON.parse(readFileSync(topologyFile, "utf8")) as Topology;
    const finished = await mpirun(launcher, 4, [...run, "--topology", topologyFile]);
    const planned = said(finished);

    expect(planned.map(({ process }) => process)).toEqual(["0", "2", "1", "3"]);
    expect(plain.map(({ process }) => process)).toEqual(["0", "1", "2", "3"]);
    const facts = ({ rank, hosts, mesh, stage, sum, order }: Said): unknown => ({
      ...{ rank, hosts, mesh, stage, sum, order },
    });
    const expected = [0, 1, 2, 3].map((rank) => ({
      rank,
      hosts: ["node-1", "node-1", "node-2", "node-2"],
      mesh: "{ dp: 2, tp: 2 } on 2 hosts (node-1 2 ranks, node-2 2 ranks): dp crosses hosts, tp stays inside",
      stage: `{ tp: 2 } on node-${rank < 2 ? 1 : 2}`,
      sum: 1111,
      order: [0, 1, 2, 3],
    }));
    expect(planned.map(facts)).toEqual(expected);
    expect(plain.map(facts)).toEqual(expected);

    // Without a file, what crosses hosts is taken to be slower; with one, the slowest pair of each axis counts.
    expect(plain.map(({ costs }) => costs)).toEqual(plain.map(() => ({ dp: CROSSING_AXIS_COST })));
    const pairs = new Map(topology.flatMap((rank) => rank.pairs).map((pair) => [pair.ranks.join(), pair]));
    const slowest = (first: string, second: string, sharing: number) => ({
      bandwidth: 1e9 * Math.min(...[first, second].map((pair) => pairs.get(pair)!.bandwidthGBps / sharing)),
      latencyMs: Math.max(...[first, second].map((pair) => pairs.get(pair)!.latencyUs)) / 1000,
    });
    // Two lines of dp share the link between the hosts.
    const costs = { dp: slowest("0,2", "1,3", 2), tp: slowest("0,1", "2,3", 1) };
    expect(planned.map((each) => each.costs)).toEqual(planned.map(() => costs));
    expect(costs.dp.bandwidth).toBeLessThan(0.6 * SLOW_BYTES_PER_SECOND);
    expect(costs.tp.bandwidth).toBeGreaterThan(costs.dp.bandwidth);
    // Only half of the tensor crosses, in an all-reduce of two ranks.
    expect(planned.map(({ bytesAcrossHosts }) => bytesAcrossHosts)).toEqual(
      new Array(4).fill((256 * 192 * 4) / 2),
    );

    const warnings = finished.stderr.match(/meshwright: axis .*/g);
    expect(warnings).toEqual([
      'meshwright: axis "tp" of mesh { tp: 2, dp: 2 } crosses hosts (ranks 0, 2 are on node-1, node-2), so that every layer communicates between them; use { dp: 2, tp: 2 }, as layOutMesh returns it.',
    ]);
  });
});
