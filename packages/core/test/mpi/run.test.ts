import { fileURLToPath } from "node:url";
import { describe, expect, test, vi } from "vitest";
import { HANG_MS, installedMpiruns, mpirun, type Finished } from "./mpirun.ts";

vi.setConfig({ testTimeout: HANG_MS });
const launchers = installedMpiruns();
const bin = fileURLToPath(new URL("../../bin/meshwright.mjs", import.meta.url));
const program = fileURLToPath(new URL("./programs/misbehave.ts", import.meta.url));
const command = [bin, "run", program, "--engine", "cpu"];
const openMpi = launchers.find(({ name }) => name === "Open MPI");
const mpich = launchers.find(({ name }) => name === "MPICH");

describe.skipIf(launchers.length > 0)("meshwright run over MPI", () => {
  test.skip("needs mpirun: install openmpi-bin and libopenmpi-dev, or mpich", () => undefined);
});

/** What the ranks printed, in the order of ranks. */
function printed({ stdout }: Finished): readonly string[] {
  return stdout
    .split("\n")
    .filter((line) => line.startsWith("[rank"))
    .toSorted();
}

describe.each(launchers)("meshwright run over $name", (launcher) => {
  test("runs the program on every process, and rank 0 prints what all of them print", async () => {
    const run = await mpirun(launcher, 2, [...command, "--", "well"]);
    expect({ code: run.code, printed: printed(run) }).toEqual({
      code: 0,
      printed: ["[rank 0] sum 3 of 2, well", "[rank 1] sum 3 of 2, well"],
    });
  });

  test("ends with code 1 and the error of the rank that throws", async () => {
    const run = await mpirun(launcher, 2, [...command, "--", "throw"]);
    expect(run.code).toBe(1);
    expect(run.stderr).toMatch(
      /rank 1 failed: asked to fail\nRangeError: asked to fail\n {4}at .*programs\/misbehave\.ts:\d+/,
    );
  });

  test("ends all processes when one is killed", async () => {
    const { code } = await mpirun(launcher, 2, [...command, "--", "die"]);
    expect(code).not.toBe(0);
  });
});

describe.runIf(openMpi !== undefined)("A rank over MPI that waits in vain", () => {
  test.each([
    [
      "skip",
      "RankFinishedError",
      /rank 0 waits in allReduce\(sum, float32\[1\]\) "after" at .*misbehave\.ts:\d+ for rank 1, which has ended its program/,
    ],
    [
      "stall",
      "CollectiveTimeoutError",
      /rank 0 waited 3 s in allReduce\(.*for rank 1\. rank 1: computing for .* s, last call allReduce number 1 of group "world"/,
    ],
    [
      "circle",
      "CollectiveDeadlockError",
      /world rank 0 waits for world rank 1 in receive\(float32\[2\], from 1, tag 0\) "next" at .*world rank 1 waits for world rank 0/,
    ],
  ])("learns why: %s", async (how, name, text) => {
    const run = await mpirun(openMpi!, 2, [...command, "--timeout-ms", "3000", "--", how]);
    expect(run.code).toBe(1);
    expect(run.stderr).toContain(name);
    expect(run.stderr).toMatch(text);
  });
});

describe.runIf(openMpi !== undefined)("The start over MPI", () => {
  test("refuses processes that were given different options", async () => {
    const second = [":", "-np", "1", process.execPath, ...command, "--", "b"];
    const run = await mpirun(openMpi!, 1, [...command, "--", "a", ...second]);
    expect(run.code).toBe(1);
    expect(run.stderr).toMatch(
      /MPI: options of the program \(\{ args: \[ 'a' \], resume: false \} on rank 0 \(.*\); \{ args: \[ 'b' \], resume: false \} on rank 1 \(.*\)\) must be the same on all ranks; give every rank the same command line\./,
    );
  });

  test("refuses another number of ranks than there are processes", async () => {
    const run = await mpirun(openMpi!, 2, [...command, "--ranks", "4"]);
    expect(run.code).toBe(1);
    expect(run.stderr).toContain(
      "ranks (4) must be the number of processes that Open MPI started (2); start 4 of them",
    );
  });

  test("says what to install where there is no libmpi", async () => {
    const run = await mpirun(openMpi!, 2, command, { MESHWRIGHT_MPI_LIBRARY: "libnone.so.1" });
    expect(run.code).toBe(1);
    expect(run.stderr).toMatch(/libnone\.so\.1: .*\); install openmpi-bin \(Debian, Ubuntu\)/);
  });

  test.runIf(mpich !== undefined)("refuses the library of another implementation", async () => {
    const run = await mpirun(openMpi!, 2, command, { MESHWRIGHT_MPI_LIBRARY: "libmpich.so.12" });
    expect(run.code).toBe(1);
    expect(run.stderr).toMatch(
      /started by Open MPI, whose library must be on every host \(libmpich\.so\.12: is MPICH/,
    );
  });
});
