/**
 * Runs programs on the processes of its MPI job and on as many threads, and writes what the ranks return. Started by mpirun;
 * arguments: the file with the programs, and the file for the results.
 *
 * @packageDocumentation
 */
import { readFileSync, writeFileSync } from "node:fs";
import { deserialize, serialize } from "node:v8";
import { createWorld } from "@meshwright/core";
import { detectLauncher } from "../../src/transport/mpi/launcher.ts";
import type { TwinProgram, TwinResults } from "./twins.ts";

const [programsFile, resultsFile] = process.argv.slice(2) as [string, string];
const programs = deserialize(readFileSync(programsFile)) as readonly TwinProgram[];
const settings = { ranks: detectLauncher(process.env)!.size, seed: 1, engine: "wasm" } as const;
// Only rank 0 gets any further than this line.
const mpi = await createWorld({ ...settings, deterministic: true });
const threads = await createWorld({ ...settings, transport: "threads" });
const results: TwinResults[] = [];
for (const { program, options } of programs) {
  const url = new URL(program);
  results.push({ mpi: await mpi.run(url, options), threads: await threads.run(url, options) });
}
await threads.close();
await mpi.close();
writeFileSync(resultsFile, serialize(results));
