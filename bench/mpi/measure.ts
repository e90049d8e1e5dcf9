/**
 * Every collective in C, from TypeScript over MPI, on worker threads and with gloo, in turn.
 *
 * @packageDocumentation
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createWorld, type WorldHandle } from "@meshwright/core";
import { median } from "../statistics.ts";
import { caseArgument, type Case } from "./cases.ts";
import { compileLoop, runRanks, type MpiInstallation } from "./engines.ts";
import { withGloo } from "./gloo.ts";
import type program from "./program.ts";

/** Settings of the benchmark. */
export interface MpiBenchOptions {
  readonly ranks: number;
  /** Per figure and round; the median counts. */
  readonly samples: number;
  /** Each runs all ways once. */
  readonly rounds: number;
  /** A Python that has PyTorch, for gloo. */
  readonly python?: string;
}

/** Microseconds per call. */
export interface MpiFigure extends Case {
  readonly engine: string;
  readonly cUs: number;
  readonly typescriptUs: number;
  readonly threadsUs: number;
  /** `null` without PyTorch, and where gloo does not have the collective. */
  readonly glooUs: number | null;
}

/** The figures of one implementation of MPI. */
export async function measureMpi(
  installation: MpiInstallation,
  cases: readonly Case[],
  options: MpiBenchOptions,
): Promise<readonly MpiFigure[]> {
  const { ranks, samples, rounds, python } = options;
  const folder = mkdtempSync(join(tmpdir(), "meshwright-bench-"));
  const world = await createWorld({ ranks, engine: "cpu" });
  try {
    const binary = join(folder, "loop");
    compileLoop(installation, binary);
    const taken: Round[] = [];
    for (let round = 0; round < rounds; round++) {
      taken.push({
        c: inC(installation, binary, cases, options),
        typescript: overMpi(installation, cases, options),
        threads: await onThreads(world, cases, samples),
        gloo: python === undefined ? cases.map(() => null) : withGloo(python, ranks, cases, samples),
      });
    }
    return cases.map((each, index) => ({
      ...each,
      engine: installation.name,
      cUs: median(taken.map(({ c }) => c[index]!)),
      typescriptUs: median(taken.map(({ typescript }) => typescript[index]!)),
      threadsUs: median(taken.map(({ threads }) => threads[index]!)),
      glooUs: medianOfKnown(taken.map(({ gloo }) => gloo[index]!)),
    }));
  } finally {
    await world.close();
    rmSync(folder, { recursive: true });
  }
}

interface Round {
  readonly c: readonly number[];
  readonly typescript: readonly number[];
  readonly threads: readonly number[];
  readonly gloo: readonly (number | null)[];
}

function medianOfKnown(times: readonly (number | null)[]): number | null {
  const known = times.filter((time) => time !== null);
  return known.length === 0 ? null : median(known);
}

function inC(
  installation: MpiInstallation,
  binary: string,
  cases: readonly Case[],
  { ranks, samples }: MpiBenchOptions,
): readonly number[] {
  const printed = runRanks(installation, ranks, [binary, ...cases.map(caseArgument), String(samples)]);
  return printed.trim().split("\n").map(Number);
}

function overMpi(
  installation: MpiInstallation,
  cases: readonly Case[],
  { ranks, samples }: MpiBenchOptions,
): readonly number[] {
  const entry = fileURLToPath(new URL("./launch.ts", import.meta.url));
  const node = [process.execPath, "--import", "tsx", "--conditions=@meshwright/source", entry];
  const printed = runRanks(installation, ranks, [...node, String(ranks), JSON.stringify({ cases, samples })]);
  return JSON.parse(printed.trim().split("\n").at(-1)!) as number[];
}

async function onThreads(
  world: WorldHandle,
  cases: readonly Case[],
  samples: number,
): Promise<readonly number[]> {
  const url = new URL("./program.ts", import.meta.url);
  const [first] = await world.run<typeof program>(url, { cases, samples });
  return first!;
}
