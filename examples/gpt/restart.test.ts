import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { HANG_MS, installedMpiruns } from "../../packages/core/test/mpi/mpirun.ts";
import { RESTARTS, runRestartable, type Finished } from "./run-restartable.ts";

vi.setConfig({ testTimeout: HANG_MS, hookTimeout: HANG_MS });
const launchers = installedMpiruns();
const root = mkdtempSync(join(tmpdir(), "meshwright-restart-"));
afterAll(() => {
  rmSync(root, { recursive: true });
});

const run = (name: string, accident: string, options: readonly string[]): Promise<Finished> =>
  runRestartable(options, [join(root, name), "tp", accident]);

let straight: Finished;
beforeAll(async () => {
  straight = await run("straight", "none", ["--ranks", "2"]);
  expect(straight).toMatchObject({ code: 0, outcome: { ranks: 2 } });
});

/** All that the training recorded, the steps before the accident included. */
function expectSameBits({ code, outcome, stderr }: Finished): void {
  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(stderr.match(/meshwright: the job .*/g)).toEqual([
    expect.stringMatching(
      /^meshwright: the job (ended with exit code|was ended by) \w+; starting it again \(restart 1 of 3\)$/,
    ),
  ]);
  expect(outcome?.resumedFrom).toMatch(/step-0000000[24]$/);
  const { losses, finalHash } = straight.outcome!;
  expect(outcome).toMatchObject({ ranks: 2, losses, finalHash });
}

test("a training on threads goes on from its checkpoint with the same bits after a rank has ended", async () => {
  expectSameBits(await run("threads", "exit", ["--ranks", "2", ...RESTARTS]));
});

describe.skipIf(launchers.length > 0)("A training over MPI that is restarted", () => {
  test.skip("needs mpirun: install openmpi-bin and libopenmpi-dev, or mpich", () => undefined);
});

// Each takes a while, so that one launcher does one of them.
describe.runIf(launchers.length > 0)("A training over MPI that is restarted", () => {
  test("goes on from its checkpoint with the same bits after a process was killed", async () => {
    const { name, command, options } = launchers[0]!;
    const launcher = [command, ...options, "-np", "2"].join(" ");
    expectSameBits(await run(name, "kill", ["--launcher", launcher, ...RESTARTS]));
  });

  test("goes on with fewer processes, if its launcher starts fewer", async () => {
    const { command, options } = launchers.at(-1)!;
    const launcher = join(root, "launcher");
    const np = `$(test -e "${join(root, "fewer", "accident")}" && echo 1 || echo 2)`;
    writeFileSync(launcher, `#!/bin/sh\nexec ${[command, ...options].join(" ")} -np ${np} "$@"\n`);
    chmodSync(launcher, 0o755);
    const { code, outcome, stderr } = await run("fewer", "kill", ["--launcher", launcher, ...RESTARTS]);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(outcome!.ranks).toBe(1);
    expect(outcome!.resumedFrom).toMatch(/step-0000000[24]$/);
    const expected = straight.outcome!.losses;
    expect(outcome!.losses).toHaveLength(expected.length);
    // Sums of one rank are rounded otherwise than those of two.
    for (const [step, loss] of outcome!.losses.entries())
      expect(Math.abs(loss - expected[step]!)).toBeLessThan(1e-5);
  });
});
