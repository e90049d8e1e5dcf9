import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test, vi } from "vitest";
import { Hosts } from "./hosts.ts";
import { HANG_MS, installedMpiruns, mpirun } from "./mpirun.ts";

vi.setConfig({ testTimeout: HANG_MS });
const launchers = installedMpiruns();
const hosts = launchers.length === 0 ? undefined : Hosts.make(2, 94);
afterAll(() => {
  hosts?.remove();
});

const bin = fileURLToPath(new URL("../../bin/meshwright.mjs", import.meta.url));
const program = fileURLToPath(new URL("./programs/numbering.ts", import.meta.url));

describe.skipIf(hosts !== undefined)("Ranks of two hosts", () => {
  test.skip("need mpirun, ip, unshare, and root, to be made as network namespaces", () => undefined);
});

describe.runIf(hosts !== undefined)("Ranks of two hosts", () => {
  test.each(launchers)("are numbered host by host where $name takes the hosts in turn", async (mpi) => {
    const launcher = hosts!.launcher(mpi);
    // MPI's own ranks 0 and 2 are on node-1, 1 and 3 on node-2. MPICH's launcher does so by itself.
    const inTurn = mpi.name === "Open MPI" ? ["--map-by", "node:OVERSUBSCRIBE"] : [];
    const options = [...launcher.options, ...inTurn];
    const command = [bin, "run", program, "--engine", "cpu", "--timeout-ms", "20000"];
    const run = await mpirun({ ...launcher, options }, 4, command);
    const heard = (rank: number, process: number, pair: string): string =>
      `[node-${rank < 2 ? 1 : 2} rank ${rank}] was ${process}, of node-1 node-1 node-2 node-2: all 0123, pair ${pair}, before ${(rank + 3) % 4}, last 3`;
    expect(run.stdout.trim().split("\n").toSorted()).toEqual([
      heard(0, 0, "01"),
      heard(1, 2, "01"),
      heard(2, 1, "23"),
      heard(3, 3, "23"),
    ]);
    // Waits are explained in the same numbers, which is what the control connections and the status boards go by.
    expect(run.code).toBe(1);
    expect(run.stderr).toMatch(
      /RankFinishedError: .*waits in allReduce\(sum, float32\[1\]\) "after" at .*numbering\.ts:\d+ for rank 1, which has ended its program/,
    );
  });
});
