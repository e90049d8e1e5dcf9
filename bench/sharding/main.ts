/**
 * `node --import tsx --conditions=@meshwright/source bench/sharding/main.ts [--samples N] [--json FILE]`
 *
 * @packageDocumentation
 */
import { writeFile } from "node:fs/promises";
import { Command } from "commander";
import { overheadSections } from "../report/sharding-overhead.ts";
import { plainSections } from "../report/table.ts";
import { runOverheadBench } from "./run.ts";

const { samples, json } = new Command("sharding-overhead")
  .description("Microseconds per tiny operation on the sharded backend beside plain tfjs.")
  .option("--samples <n>", "samples per figure; the median counts", Number, 31)
  .option("--json <file>", "write the figures as JSON")
  .parse()
  .opts<{ samples: number; json?: string }>();

const result = await runOverheadBench({ samples });
console.log(plainSections(overheadSections(result)));
if (json !== undefined) await writeFile(json, `${JSON.stringify(result, null, 2)}\n`);
