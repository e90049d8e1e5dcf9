/**
 * Programs whose results over MPI are compared with those on threads. One launch runs many.
 *
 * @packageDocumentation
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { deserialize, serialize } from "node:v8";
import { mpirun, type Mpirun } from "./mpirun.ts";

/** A program file's URL, and what all ranks get. */
export interface TwinProgram {
  readonly program: string;
  readonly options: unknown;
}

/** What each rank returned. */
export interface TwinResults {
  readonly mpi: readonly unknown[];
  readonly threads: readonly unknown[];
}

const entry = fileURLToPath(new URL("./twin-process.ts", import.meta.url));
/** It imports the packages' sources. */
const nodeOptions = ["--import", "tsx", "--conditions=@meshwright/source"];

/** Runs every program on both, one after the other. */
export async function runTwins(
  launcher: Mpirun,
  ranks: number,
  programs: readonly TwinProgram[],
): Promise<readonly TwinResults[]> {
  const folder = mkdtempSync(join(tmpdir(), "meshwright-twins-"));
  try {
    const [programsFile, resultsFile] = [join(folder, "programs"), join(folder, "results")];
    writeFileSync(programsFile, serialize(programs));
    const args = [...nodeOptions, entry, programsFile, resultsFile];
    const { code, stdout, stderr } = await mpirun(launcher, ranks, args);
    if (code !== 0) throw new Error(`${launcher.command} ended with ${String(code)}:\n${stdout}${stderr}`);
    return deserialize(readFileSync(resultsFile)) as readonly TwinResults[];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
