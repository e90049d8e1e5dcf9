import { fileURLToPath } from "node:url";
import { describe, expect, test, vi } from "vitest";
import { HANG_MS, installedMpiruns, mpirun } from "../../packages/core/test/mpi/mpirun.ts";
import type { TwinRun } from "./mpi-twin.ts";

vi.setConfig({ testTimeout: HANG_MS });
const launchers = installedMpiruns();
const script = fileURLToPath(new URL("./mpi-twin.ts", import.meta.url));
const nodeOptions = ["--import", "tsx", "--conditions=@meshwright/source"];

describe.skipIf(launchers.length > 0)("A training over MPI", () => {
  test.skip("needs mpirun: install openmpi-bin and libopenmpi-dev, or mpich", () => undefined);
});

describe.each(launchers)("A training over $name", (launcher) => {
  test.each([2, 4])("on %i processes has the losses and weights of threads, bit for bit", async (ranks) => {
    const { code, stdout, stderr } = await mpirun(launcher, ranks, [...nodeOptions, script, String(ranks)]);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    const runs = JSON.parse(stdout.trim().split("\n").at(-1)!) as readonly TwinRun[];
    expect(runs.map(({ transport }) => transport)).toEqual(["mpi", "threads", "mpi", "threads"]);
    for (const index of [0, 2]) {
      expect(runs[index]!.losses.length).toBeGreaterThan(0);
      expect({ ...runs[index]!, transport: "either" }).toEqual({ ...runs[index + 1]!, transport: "either" });
    }
  });
});
