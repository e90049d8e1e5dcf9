/**
 * Writes the tables and the chart of `docs/performance.md` from a result of `pnpm bench --json`.
 *
 * `node --import tsx --conditions=@meshwright/source bench/write-performance.ts bench.json`
 *
 * @packageDocumentation
 */
import { readFile, writeFile } from "node:fs/promises";
import { ContractError } from "@meshwright/core";
import { Command } from "commander";
import { conditionsLine } from "./conditions.ts";
import { replaceBlock } from "./report/replace-block.ts";
import { targetTable } from "./report/targets.ts";
import { sectionsOf } from "./report/sections.ts";
import { stepChart } from "./report/step-chart.ts";
import { markdownTable } from "./report/table.ts";
import { BENCHMARKS, type BenchmarkName, type BenchResults } from "./results.ts";

const DOCUMENT = new URL("../docs/performance.md", import.meta.url);
const CHART = new URL("../docs/performance.svg", import.meta.url);

const [file] = new Command("write-performance")
  .description("Writes the figures of docs/performance.md and docs/performance.svg.")
  .argument("<file>", "what pnpm bench --json wrote")
  .parse().args as [string];
const results = JSON.parse(await readFile(file, "utf8")) as BenchResults;
if (results.quick) {
  throw new ContractError(
    `write-performance: ${file} (made with --quick) must hold full samples; use pnpm bench --json ${file}.`,
  );
}

const placeOf = (name: string) => ({ name, script: "write-performance", page: "docs/performance.md" });
let text = await readFile(DOCUMENT, "utf8");
text = replaceBlock(text, `${conditionsLine(results)}; seed ${results.seed}.`, placeOf("conditions"));
text = replaceBlock(text, markdownTable(targetTable(results)), placeOf("targets"));
for (const name of Object.keys(BENCHMARKS) as BenchmarkName[]) {
  const sections = sectionsOf(name, results);
  // Pipelines have a page of their own, and a script that writes it.
  if (sections.length === 0 || name === "pipeline") continue;
  const blocks = sections.map(({ title, table }) => `**${title}**\n\n${markdownTable(table)}`);
  text = replaceBlock(text, blocks.join("\n\n"), placeOf(name));
}
await writeFile(DOCUMENT, text);
const step = results["training-step"];
if (step !== undefined) await writeFile(CHART, stepChart(step));
