/**
 * `node --import tsx --conditions=@meshwright/source bench/pipeline/main.ts [--samples N] [--rank-ms T] [--json FILE]`
 *
 * @packageDocumentation
 */
import { writeFile } from "node:fs/promises";
import { Command } from "commander";
import { pipelineSections } from "../report/pipeline.ts";
import { plainSections } from "../report/table.ts";
import { runPipelineBench } from "./run.ts";

const { json, ...options } = new Command("pipeline")
  .description("Pipeline schedules whose layers sleep: predicted and measured; overhead per action.")
  .option("--samples <n>", "steps per pipeline; the median counts", Number, 3)
  .option("--rank-ms <t>", "milliseconds of each of F, I and W on a rank", Number, 30)
  .option("--json <file>", "write the figures as JSON")
  .parse()
  .opts<{ samples: number; rankMs: number; json?: string }>();

const result = await runPipelineBench(options);
console.log(plainSections(pipelineSections(result)));
if (json !== undefined) await writeFile(json, `${JSON.stringify(result, null, 2)}\n`);
