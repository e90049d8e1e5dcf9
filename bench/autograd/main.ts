/**
 * `pnpm bench autograd [--engine E] [--samples N] [--json FILE]`
 *
 * @packageDocumentation
 */
import { writeFile } from "node:fs/promises";
import { Command, Option } from "commander";
import type { Summary } from "../statistics.ts";
import { runAutogradBench, type AutogradBenchOptions } from "./run.ts";

const { json, ...options } = new Command("autograd")
  .description("What vjp and checkpoint cost beside tfjs' own gradients.")
  .addOption(new Option("--engine <name>").choices(["wasm", "cpu"]).default("wasm"))
  .option("--samples <n>", "samples per figure", Number, 41)
  .option("--json <file>", "write the figures as JSON")
  .parse()
  .opts<Required<AutogradBenchOptions> & { json?: string }>();

const result = await runAutogradBench(options);
console.log(`engine ${result.engine}; median (minimum) of ${options.samples} samples, in turn\n`);
printTable("us per operation, forward and backward", result.microseconds);
printTable("ms per transformer block, forward and backward", result.blockMilliseconds);
console.log("bytes of activations held per transformer block");
for (const [name, bytes] of Object.entries(result.blockBytes)) console.log(`  ${name.padEnd(30)}${bytes}`);
if (json !== undefined) await writeFile(json, `${JSON.stringify(result, null, 2)}\n`);

function printTable(title: string, figures: Readonly<Record<string, Summary>>): void {
  console.log(title);
  for (const [name, { median, min }] of Object.entries(figures)) {
    console.log(`  ${name.padEnd(30)}${median.toFixed(2).padStart(8)} (${min.toFixed(2)})`);
  }
}
