/**
 * `pnpm bench moe [--samples N] [--tokens T] [--features D] [--hidden F] [--experts E] [--top-k K] [--json FILE]`
 *
 * @packageDocumentation
 */
import { writeFile } from "node:fs/promises";
import { Command, Option } from "commander";
import { conditionsLine, currentConditions } from "../conditions.ts";
import { plainSections } from "../report/table.ts";
import { moeSections } from "./report.ts";
import { runMoEBench, type MoEBenchOptions } from "./run.ts";

interface Options {
  readonly samples: number;
  readonly tokens: number;
  readonly features: number;
  readonly hidden: number;
  readonly experts: number;
  readonly topK: number;
  readonly seed: number;
  readonly engine: MoEBenchOptions["engine"];
  readonly json?: string;
}

const { samples, seed, engine, json, ...sizes } = new Command("moe")
  .description("Experts in one kernel, a loop and padded; router and dispatch; experts on two ranks.")
  .option("--samples <n>", "samples per figure, in turn; the median counts", Number, 9)
  .option("--tokens <n>", "tokens of a batch, over all ranks", Number, 1024)
  .option("--features <n>", "features of a token", Number, 128)
  .option("--hidden <n>", "hidden features of an expert", Number, 512)
  .option("--experts <n>", "experts; a multiple of 2", Number, 8)
  .option("--top-k <n>", "experts per token", Number, 2)
  .option("--seed <n>", "of initial weights", Number, 1)
  .addOption(
    new Option("--engine <name>", "of every rank")
      .choices(["wasm", "cpu", "tensorflow", "auto"])
      .default("wasm"),
  )
  .option("--json <file>", "write the figures as JSON")
  .parse()
  .opts<Options>();

const conditions = currentConditions();
const result = await runMoEBench({ sizes, rounds: samples, seed, engine });
console.log(`${conditionsLine(conditions)}\n\n${plainSections(moeSections(result))}`);
if (json !== undefined) await writeFile(json, `${JSON.stringify({ conditions, ...result }, null, 2)}\n`);
