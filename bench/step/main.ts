/**
 * `node --import tsx --conditions=@meshwright/source bench/step/main.ts [--samples N] [--features D] [--engine E] [--json FILE]`
 *
 * @packageDocumentation
 */
import { writeFile } from "node:fs/promises";
import { Command, Option } from "commander";
import { stepSections } from "../report/training-step.ts";
import { plainSections } from "../report/table.ts";
import { runStepBench } from "./run.ts";

const options = new Command("training-step")
  .description("One GPT training step on 1 rank, tp=2, dp=2 and in plain tfjs, interleaved.")
  .option("--samples <n>", "timed steps per world", Number, 15)
  .option("--seed <n>", "of the initial weights and the tokens", Number, 1)
  .option("--features <n>", "only the model with so many features", Number)
  .addOption(
    new Option("--engine <name>", "what every rank computes with")
      .choices(["tensorflow", "wasm"])
      .default("wasm"),
  )
  .option("--json <file>", "write the figures as JSON")
  .parse()
  .opts<{ samples: number; seed: number; features?: number; engine: "tensorflow" | "wasm"; json?: string }>();

const { json, ...settings } = options;
const result = await runStepBench(settings);
console.log(plainSections(stepSections(result)));
if (json !== undefined) await writeFile(json, `${JSON.stringify(result, null, 2)}\n`);
