/**
 * Jobs on MPI processes: the counterpart of `RankThreads`. One launch runs many jobs.
 *
 * @packageDocumentation
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { deserialize, serialize } from "node:v8";
import type { RankPrograms } from "../communication/rank-programs.ts";
import type { RankInput, RankReply } from "../communication/rank-threads.ts";
import { mpirun, type Mpirun } from "./mpirun.ts";

/** A program for all ranks, and its settings. */
export interface MpiJob<Name extends keyof RankPrograms = keyof RankPrograms> {
  readonly program: Name;
  readonly input: RankInput<Name>;
  readonly checked: boolean;
  readonly deterministic: boolean;
}

const entry = fileURLToPath(new URL("./rank-process.ts", import.meta.url));
/** Both work from the packages' sources. */
const nodeOptions = ["--import", "tsx", "--conditions=@meshwright/source"];

/** Runs the jobs, one after the other; `replies[job][rank]`. */
export async function runJobs(
  launcher: Mpirun,
  ranks: number,
  jobs: readonly MpiJob[],
): Promise<readonly (readonly RankReply[])[]> {
  const folder = mkdtempSync(join(tmpdir(), "meshwright-mpi-"));
  try {
    const jobsFile = join(folder, "jobs");
    writeFileSync(jobsFile, serialize(jobs));
    const { code, stdout, stderr } = await mpirun(launcher, ranks, [...nodeOptions, entry, jobsFile, folder]);
    if (code !== 0) throw new Error(`${launcher.command} ended with ${String(code)}:\n${stdout}${stderr}`);
    const ofRanks = Array.from(
      { length: ranks },
      (_, rank) => deserialize(readFileSync(join(folder, String(rank)))) as readonly RankReply[],
    );
    return jobs.map((_, job) => ofRanks.map((replies) => replies[job]!));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A job that is expected to end well. */
export function job<Name extends keyof RankPrograms>(
  program: Name,
  input: RankInput<Name>,
  settings: Partial<Pick<MpiJob, "checked" | "deterministic">> = {},
): MpiJob<Name> {
  return { program, input, checked: false, deterministic: true, ...settings };
}
