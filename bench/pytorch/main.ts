/**
 * `pnpm bench pytorch [--samples N] [--features D] [--python PATH] [--quick] [--json FILE]`
 *
 * @packageDocumentation
 */
import { writeFile } from "node:fs/promises";
import { Command } from "commander";
import { conditionsLine, currentConditions } from "../conditions.ts";
import { pytorchSections } from "../report/pytorch.ts";
import { plainSections } from "../report/table.ts";
import { runPytorchBench } from "./run.ts";

const { json, ...options } = new Command("pytorch")
  .description(
    "A GPT's training step and single operations: Meshwright, plain tfjs-node and PyTorch with gloo, one thread per rank, in turn.",
  )
  .option("--samples <n>", "timed steps of each", Number, 12)
  .option("--seed <n>", "of the initial weights and the tokens", Number, 1)
  .option("--features <n>", "only the model with so many features", Number)
  .option(
    "--python <path>",
    "a Python that has PyTorch; default: one in a scratch environment that is made once",
  )
  .option("--quick", "a tiny model and few samples: shows that it runs, not how fast", false)
  .option("--json <file>", "write the figures as JSON, for bench/write-pytorch.ts")
  .parse()
  .opts<{
    samples: number;
    seed: number;
    features?: number;
    python?: string;
    quick: boolean;
    json?: string;
  }>();

const conditions = currentConditions();
console.log(`${conditionsLine(conditions)}\n`);
const result = await runPytorchBench(options);
console.log(plainSections(pytorchSections(result)));
if (json !== undefined) await writeFile(json, `${JSON.stringify({ ...conditions, ...result }, null, 2)}\n`);
