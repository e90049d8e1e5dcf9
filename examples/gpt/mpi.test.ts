import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test, vi } from "vitest";
import { HANG_MS, installedMpiruns, mpirun, type Mpirun } from "../../packages/core/test/mpi/mpirun.ts";
import type { TwinRun } from "./mpi-twin.ts";

vi.setConfig({ testTimeout: HANG_MS });
const launchers = installedMpiruns();
const script = fileURLToPath(new URL("./mpi-twin.ts", import.meta.url));
const nodeOptions = ["--import", "tsx", "--conditions=@meshwright/source"];

describe.skipIf(launchers.length > 0)("A training over MPI", () => {
  test.skip("needs mpirun: install openmpi-bin and libopenmpi-dev, or mpich", () => undefined);
});

/** Trains on both transports, and expects the same bits. */
async function expectTwins(launcher: Mpirun, ranks: number, order: "deterministic" | "free") {
  const args = [...nodeOptions, script, String(ranks), order];
  const { code, stdout, stderr } = await mpirun(launcher, ranks, args);
  expect({ code, stderr }).toMatchObject({ code: 0 });
  const runs = JSON.parse(stdout.trim().split("\n").at(-1)!) as readonly TwinRun[];
  const [onMpi, onThreads] = (["mpi", "threads"] as const).map((wanted) =>
    runs.filter(({ transport }) => transport === wanted).map((run) => ({ ...run, transport: "either" })),
  );
  expect(onMpi!.length).toBeGreaterThan(0);
  for (const { losses } of onMpi!) expect(losses).toHaveLength(3);
  expect(onMpi).toEqual(onThreads);
  return onMpi!;
}

describe.each(launchers)("A training over $name", (launcher) => {
  test("on 2 processes has the losses and weights of threads, bit for bit", async () => {
    await expectTwins(launcher, 2, "free");
  });

  test("on 4 processes that reduce over all of them has them with --deterministic", async () => {
    await expectTwins(launcher, 4, "deterministic");
  });
});

test.runIf(launchers.length > 0)(
  "The example leaves one report, one trace of all ranks and one checkpoint with the parts of all",
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "meshwright-mpi-"));
    try {
      const [report, checkpoints] = [join(folder, "report"), join(folder, "checkpoints")];
      const main = fileURLToPath(new URL("./main.ts", import.meta.url));
      const options = `--mesh tp=2 --steps 2 --no-progress --sample-tokens 1 --report ${report} --checkpoint-dir ${checkpoints}`;
      const args = [...nodeOptions, main, ...options.split(" ")];
      const { code, stdout, stderr } = await mpirun(launchers.at(-1)!, 2, args, {
        MESHWRIGHT_ENGINE: "wasm",
      });
      expect({ code, stderr }).toMatchObject({ code: 0 });
      expect(stdout.match(/^report: /gm)).toHaveLength(1);
      expect(readdirSync(report).toSorted()).toEqual(["metrics.jsonl", "report.html", "trace.json"]);
      const { traceEvents } = JSON.parse(readFileSync(join(report, "trace.json"), "utf8")) as {
        traceEvents: { name: string; args: { name: string } }[];
      };
      const ranks = traceEvents.flatMap(({ name, args: { name: rank } }) =>
        name === "process_name" ? [rank] : [],
      );
      expect(ranks).toEqual(["rank 0", "rank 1"]);
      const steps = readdirSync(checkpoints).filter((name) => name.startsWith("step-"));
      expect(steps).toHaveLength(1);
      const parts = readdirSync(join(checkpoints, steps[0]!)).filter((name) => name.endsWith(".safetensors"));
      expect(parts).toHaveLength(2);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
);

describe.runIf(launchers.length > 0)("A training over MPI on a mesh whose axes have two ranks each", () => {
  test.each([4, 8])("has the bits of threads on %i processes without --deterministic", async (ranks) => {
    for (const { name, reducing } of await expectTwins(launchers[0]!, ranks, "free")) {
      // One axis after the other, so that two ranks meet in each reduction.
      expect({ name, others: reducing.filter((group) => !["dp", "pp", "tp"].includes(group)) }).toEqual({
        ...{ name, others: [] },
      });
    }
  });
});
