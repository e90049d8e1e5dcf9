import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test, vi } from "vitest";
import { Hosts, LINK_BURST_BYTES } from "../../packages/core/test/mpi/hosts.ts";
import { HANG_MS, installedMpiruns } from "../../packages/core/test/mpi/mpirun.ts";
import { RESTARTS, runRestartable } from "./run-restartable.ts";

vi.setConfig({ testTimeout: HANG_MS });
const openMpi = installedMpiruns().find(({ name }) => name === "Open MPI");
const hosts = openMpi === undefined ? undefined : Hosts.make(3, 98);
const root = mkdtempSync(join(tmpdir(), "meshwright-hosts-"));
afterAll(() => {
  hosts?.remove();
  rmSync(root, { recursive: true });
});

describe.skipIf(hosts !== undefined)("A GPT on several hosts", () => {
  test.skip("needs Open MPI, ip, unshare, and root, to make hosts as network namespaces", () => undefined);
});

describe.runIf(hosts !== undefined)("A GPT on several hosts", () => {
  test("goes on with those that are left when one is lost", async () => {
    let isCut = false;
    const options = ["--launcher", hosts!.launcherOfLiving(openMpi!), ...RESTARTS];
    const { code, outcome, stderr } = await runRestartable(
      options,
      [join(root, "lost"), "dp", "stall"],
      (stdout) => {
        if (isCut || !stdout.includes("[node-2 rank 1] stalled")) return;
        isCut = true;
        hosts!.cut(3);
      },
    );
    expect({ code, isCut, stderr }).toMatchObject({ code: 0, isCut: true });
    expect(stderr).toContain("starting it again (restart 1 of 3)");
    expect(outcome).toMatchObject({ ranks: 2 });
    const whole = await runRestartable(["--ranks", "3"], [join(root, "whole"), "dp", "none"]);
    const expected = whole.outcome!.losses;
    expect(outcome!.losses).toHaveLength(expected.length);
    // Up to the checkpoint with three ranks, then with two, whose sums are rounded otherwise.
    for (const [step, loss] of outcome!.losses.entries())
      expect(Math.abs(loss - expected[step]!)).toBeLessThan(1e-5);
  });

  test("shows a slow link in its trace", async ({ skip }) => {
    const bytesPerSecond = 125_000;
    if (!hosts!.slow(2, bytesPerSecond)) skip("needs tc, and a kernel with token bucket filters");
    const { command, options } = hosts!.launcher(openMpi!, { numbers: [1, 2] });
    const launcher = [command, ...options, "-np", "2"].join(" ");
    const { code, outcome, stderr } = await runRestartable(
      ["--launcher", launcher],
      [join(root, "slow"), "dp", "none"],
    );
    expect({ code, stderr }).toMatchObject({ code: 0 });
    const { bytesSent, tracedMs } = outcome!;
    expect(bytesSent).toBeGreaterThan(4 * LINK_BURST_BYTES);
    // A link cannot be faster than it is: this is not about how fast anything runs.
    expect(tracedMs).toBeGreaterThan((1000 * (bytesSent - LINK_BURST_BYTES)) / bytesPerSecond);
  });

  test("writes no checkpoint where a host does not share the folder, and says so", async () => {
    const folder = join(root, "apart");
    mkdirSync(folder);
    const { command, options } = hosts!.launcher(openMpi!, {
      numbers: [1, 2],
      apart: { number: 2, folder },
    });
    const launcher = [command, ...options, "-np", "2"].join(" ");
    const { code, outcome, stderr } = await runRestartable(["--launcher", launcher], [folder, "dp", "none"]);
    expect({ code, outcome }).toEqual({ code: 1, outcome: undefined });
    expect(stderr).toContain(
      `saveCheckpoint: dir (${folder} on node-2) must be one folder on all hosts, but what rank 0 wrote to it is not there; use a folder that the hosts share, by the same path.`,
    );
    expect(readdirSync(folder)).toEqual([]);
  });
});
