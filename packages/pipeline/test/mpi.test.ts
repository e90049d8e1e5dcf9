import { fileURLToPath } from "node:url";
import { describe, expect, test, vi } from "vitest";
import { expectTwins } from "../../core/test/mpi/expect-twins.ts";
import { HANG_MS, installedMpiruns, mpirun, type Finished } from "../../core/test/mpi/mpirun.ts";
import type { TwinProgram } from "../../core/test/mpi/twins.ts";
import type { FaultJob } from "./fault-process.ts";
import type { PipelineCase, TwinOptions, TwinResult } from "./programs/gpt-twin.ts";
import type { TiedCase } from "./programs/tied.ts";

vi.setConfig({ testTimeout: HANG_MS });
const launchers = installedMpiruns();

interface Options {
  readonly "gpt-twin": TwinOptions;
  readonly tied: TiedCase;
}

function twin<Name extends keyof Options>(name: Name, options: Options[Name]): TwinProgram {
  return { program: new URL(`./programs/${name}.ts`, import.meta.url).href, options };
}

/** A step, an evaluation and a prediction. */
function training(mesh: PipelineCase["mesh"], schedule: PipelineCase["schedule"]): TwinProgram {
  return twin("gpt-twin", { pipeline: { mesh, schedule }, steps: 1 });
}

const [pp2, pp4, pp2tp2, dp2pp2] = [{ pp: 2 }, { pp: 4 }, { pp: 2, tp: 2 }, { dp: 2, pp: 2 }];
const ON_TWO = [
  training(pp2, { name: "gpipe", numMicroBatches: 5, recompute: true }),
  training(pp2, { name: "1f1b", numMicroBatches: 9 }),
  training(pp2, { name: "interleaved", numMicroBatches: 6, chunksPerRank: 3 }),
  training(pp2, { name: "looped-bfs", numMicroBatches: 3 }),
  training(pp2, { name: "zb-h1", numMicroBatches: 7 }),
  training(pp2, { name: "zbv", numMicroBatches: 8 }),
  twin("tied", { how: "shared", mesh: { dp: 1, pp: 2 }, schedule: { name: "1f1b", numMicroBatches: 3 } }),
];
const ON_FOUR = [
  training(pp4, { name: "gpipe", numMicroBatches: 3 }),
  training(pp4, { name: "1f1b", numMicroBatches: 2 }),
  training(pp4, { name: "interleaved", numMicroBatches: 8 }),
  training(pp4, { name: "looped-bfs", numMicroBatches: 6, recompute: true }),
  training(pp4, { name: "zb-h1", numMicroBatches: 9 }),
  training(pp4, { name: "zbv", numMicroBatches: 9 }),
  training(pp2tp2, { name: "zbv", numMicroBatches: 3 }),
  training(dp2pp2, { name: "interleaved", numMicroBatches: 2, recompute: true }),
  twin("tied", { how: "by name", mesh: { dp: 2, pp: 2 }, schedule: { name: "zb-h1", numMicroBatches: 2 } }),
];

expectTwins("Pipelines over MPI", { two: ON_TWO, four: ON_FOUR }, (result) => {
  expect((result as TwinResult).losses.length).toBeGreaterThan(0);
  return result;
});

const faultProcess = fileURLToPath(new URL("./fault-process.ts", import.meta.url));

/** How a job of two processes ends. */
function jobWith(job: FaultJob, launcher = launchers[0]!): Promise<Finished> {
  const args = ["--import", "tsx", "--conditions=@meshwright/source", faultProcess, JSON.stringify(job)];
  return mpirun(launcher, 2, args);
}

/** Longer than everything but a fault takes, the start on a busy machine included. */
const PATIENT_MS = 60_000;
const STALL_MS = 15_000;

describe.runIf(launchers.length > 0)("A fault of a stage over MPI ends the job, and says", () => {
  test.each([
    [
      "which stage threw, in which micro-batch, and why",
      { fault: "forward throws", schedule: "1f1b", timeoutMs: PATIENT_MS },
      /PipelineError\]: Pipeline: F2 of stage 1 \("third" to "wrong"\) on rank 1 failed: planted/,
    ],
    [
      "which input does not have the shape that was declared",
      { fault: "declared shape differs", timeoutMs: PATIENT_MS },
      /ContractError: Pipeline: input of stage 1 \(shape \[2, 5\], micro-batch 0\) must have the shape \[rows, 4\]/,
    ],
    [
      "who waits in vain for a stage that stalls, and where that is",
      { fault: "stalls", timeoutMs: STALL_MS },
      /CollectiveTimeoutError: .*"gradient of micro-batch 2 for stage 0".*for rank 1\. rank 1: computing for [\d.]+ s, last call receive/,
    ],
  ] satisfies [string, FaultJob, RegExp][])("%s", async (_, job, message) => {
    const { code, stdout, stderr } = await jobWith(job);
    expect(code).not.toBe(0);
    expect(stdout).not.toContain("no fault");
    expect(stderr).toMatch(message);
  });

  test("it under every MPI", async () => {
    const job: FaultJob = { fault: "forward throws", schedule: "zbv", timeoutMs: PATIENT_MS };
    const { code, stderr } = await jobWith(job, launchers.at(-1));
    expect(code).not.toBe(0);
    expect(stderr).toContain('Pipeline: F2 of stage 3 ("wrong") on rank 0 failed: planted');
  });
});
