/**
 * `pnpm bench mpi [--ranks N] [--samples N] [--rounds N] [--json FILE]`: every collective over MPI from TypeScript, beside
 * the same loop in C with the same MPI, and beside worker threads.
 *
 * @packageDocumentation
 */
import { mkdtempSync, rmSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createWorld, type WorldHandle } from "@meshwright/core";
import { Command } from "commander";
import { conditionsLine, currentConditions } from "../conditions.ts";
import { plainTable } from "../report/table.ts";
import { median } from "../statistics.ts";
import { caseArgument, casesFor, type Case } from "./cases.ts";
import { compileLoop, installations, runRanks, type MpiInstallation } from "./engines.ts";
import type program from "./program.ts";

/** Microseconds per call. */
interface Figure extends Case {
  readonly engine: string;
  readonly cUs: number;
  readonly typescriptUs: number;
  readonly threadsUs: number;
}

const { ranks, samples, rounds, sizes, json } = new Command("mpi")
  .option("--ranks <n>", "processes, or threads", Number, 2)
  .option("--samples <n>", "samples per figure and round; the median counts", Number, 7)
  .option("--rounds <n>", "rounds, each of which runs C, TypeScript and threads in turn", Number, 3)
  .option("--sizes <list>", "bytes, with commas between them", numbers, [4, 65_536, 1_048_576, 16_777_216])
  .option("--json <file>", "write the figures as JSON")
  .parse()
  .opts<{ ranks: number; samples: number; rounds: number; sizes: readonly number[]; json?: string }>();

const conditions = currentConditions();
const cases = casesFor(sizes, 33_554_432, 1_000);
const folder = mkdtempSync(join(tmpdir(), "meshwright-bench-"));
const figures: Figure[] = [];
try {
  console.log(`${conditionsLine(conditions)}; ${ranks} ranks; microseconds per call, medians\n`);
  const found = installations();
  if (found.length === 0)
    console.log("no mpirun with mpicc: install openmpi-bin and libopenmpi-dev, or mpich");
  for (const installation of found) {
    const own = await measure(installation);
    figures.push(...own);
    console.log(`${installation.name}\n${tableOf(own)}\n`);
  }
} finally {
  rmSync(folder, { recursive: true });
}
if (json !== undefined)
  await writeFile(json, `${JSON.stringify({ ...conditions, ranks, figures }, null, 2)}\n`);

async function measure(installation: MpiInstallation): Promise<readonly Figure[]> {
  const binary = join(folder, installation.name.replace(" ", ""));
  compileLoop(installation, binary);
  const world = await createWorld({ ranks, engine: "cpu" });
  try {
    const taken: { c: readonly number[]; typescript: readonly number[]; threads: readonly number[] }[] = [];
    for (let round = 0; round < rounds; round++) {
      taken.push({
        c: inC(installation, binary),
        typescript: overMpi(installation),
        threads: await onThreads(world),
      });
    }
    return cases.map((each, index) => ({
      ...each,
      engine: installation.name,
      cUs: median(taken.map(({ c }) => c[index]!)),
      typescriptUs: median(taken.map(({ typescript }) => typescript[index]!)),
      threadsUs: median(taken.map(({ threads }) => threads[index]!)),
    }));
  } finally {
    await world.close();
  }
}

function inC(installation: MpiInstallation, binary: string): readonly number[] {
  const printed = runRanks(installation, ranks, [binary, ...cases.map(caseArgument), String(samples)]);
  return printed.trim().split("\n").map(Number);
}

function overMpi(installation: MpiInstallation): readonly number[] {
  const entry = fileURLToPath(new URL("./launch.ts", import.meta.url));
  const node = [process.execPath, "--import", "tsx", "--conditions=@meshwright/source", entry];
  const printed = runRanks(installation, ranks, [...node, String(ranks), JSON.stringify({ cases, samples })]);
  return JSON.parse(printed.trim().split("\n").at(-1)!) as number[];
}

async function onThreads(world: WorldHandle): Promise<readonly number[]> {
  const url = new URL("./program.ts", import.meta.url);
  const [first] = await world.run<typeof program>(url, { cases, samples });
  return first!;
}

function tableOf(own: readonly Figure[]): string {
  return plainTable({
    header: ["collective", "bytes", "C", "TypeScript", "ratio", "difference", "threads"],
    rows: own.map(({ collective, bytes, cUs, typescriptUs, threadsUs }) => [
      collective,
      String(bytes),
      cUs.toFixed(2),
      typescriptUs.toFixed(2),
      (typescriptUs / cUs).toFixed(2),
      (typescriptUs - cUs).toFixed(2),
      threadsUs.toFixed(2),
    ]),
  });
}

function numbers(list: string): readonly number[] {
  return list.split(",").map(Number);
}
