/**
 * `pnpm bench data-parallel [--ranks N] [--rounds N] [--features N] [--layers N] [--json FILE]`
 *
 * @packageDocumentation
 */
import { writeFile } from "node:fs/promises";
import { Command } from "commander";
import { conditionsLine, currentConditions } from "../conditions.ts";
import { dataParallelReport, formulaReport } from "./report.ts";
import { runDataParallelBench } from "./run.ts";

interface Options {
  readonly ranks: number;
  readonly rounds: number;
  readonly features: number;
  readonly layers: number;
  readonly json?: string;
}

const { json, ...options } = new Command("data-parallel")
  .description("Gradient buckets, and the ZeRO stages, against plain data parallelism.")
  .option("--ranks <n>", "data-parallel ranks", Number, 2)
  .option("--rounds <n>", "samples per figure, interleaved; the median counts", Number, 15)
  .option("--features <n>", "features of the GPT", Number, 256)
  .option("--layers <n>", "blocks of the GPT", Number, 4)
  .option("--json <file>", "write the figures as JSON")
  .parse()
  .opts<Options>();

const conditions = currentConditions();
const result = await runDataParallelBench(options);
console.log(`${conditionsLine(conditions)}\n\n${dataParallelReport(result)}\n\n${formulaReport(70e9, 64)}`);
if (json !== undefined) await writeFile(json, `${JSON.stringify({ conditions, ...result }, null, 2)}\n`);
