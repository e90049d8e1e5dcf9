/**
 * `pnpm bench mpi [--ranks N] [--samples N] [--rounds N] [--sizes LIST] [--python PATH] [--json FILE]`: every collective
 * over MPI from TypeScript, beside the same loop in C with the same MPI, on worker threads, and with PyTorch's gloo.
 *
 * @packageDocumentation
 */
import { writeFile } from "node:fs/promises";
import { Command } from "commander";
import { conditionsLine, currentConditions } from "../conditions.ts";
import { pythonWithTorch } from "../pytorch/python.ts";
import { mpiSections } from "../report/mpi.ts";
import { plainSections } from "../report/table.ts";
import { casesFor } from "./cases.ts";
import { installations } from "./engines.ts";
import { measureMpi, type MpiBenchOptions, type MpiFigure } from "./measure.ts";

interface Flags extends MpiBenchOptions {
  readonly sizes: readonly number[];
  readonly json?: string;
}

const { sizes, json, ...options } = new Command("mpi")
  .description(
    "Every collective over MPI from TypeScript, in C, on worker threads and with PyTorch's gloo, in turn.",
  )
  .option("--ranks <n>", "processes, or threads", Number, 2)
  .option("--samples <n>", "samples per figure and round; the median counts", Number, 7)
  .option("--rounds <n>", "rounds, each of which runs C, TypeScript, threads and gloo in turn", Number, 3)
  .option("--sizes <list>", "bytes, with commas between them", numbers, [4, 65_536, 1_048_576, 16_777_216])
  .option("--python <path>", "a Python that has PyTorch: adds gloo")
  .option("--json <file>", "write the figures as JSON, for bench/write-mpi.ts")
  .parse()
  .opts<Flags>();

if (options.python !== undefined) await pythonWithTorch(options.python);
const conditions = currentConditions();
const cases = casesFor(sizes, 33_554_432, 1_000);
console.log(`${conditionsLine(conditions)}; ${options.ranks} ranks\n`);
const found = installations();
if (found.length === 0) {
  console.log("no mpirun with mpicc: install openmpi-bin and libopenmpi-dev, or mpich");
}
const figures: MpiFigure[] = [];
for (const installation of found) {
  const own = await measureMpi(installation, cases, options);
  figures.push(...own);
  console.log(plainSections(mpiSections(own)));
}
if (json !== undefined) {
  await writeFile(json, `${JSON.stringify({ ...conditions, ranks: options.ranks, figures }, null, 2)}\n`);
}

function numbers(list: string): readonly number[] {
  return list.split(",").map(Number);
}
