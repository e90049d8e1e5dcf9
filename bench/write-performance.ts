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

let text = await readFile(DOCUMENT, "utf8");
text = replaceBlock(text, "conditions", `${conditionsLine(results)}; seed ${results.seed}.`);
text = replaceBlock(text, "targets", markdownTable(targetTable(results)));
for (const name of Object.keys(BENCHMARKS) as BenchmarkName[]) {
  const sections = sectionsOf(name, results);
  if (sections.length === 0) continue;
  const blocks = sections.map(({ title, table }) => `**${title}**\n\n${markdownTable(table)}`);
  text = replaceBlock(text, name, blocks.join("\n\n"));
}
await writeFile(DOCUMENT, text);
const step = results["training-step"];
if (step !== undefined) await writeFile(CHART, stepChart(step));

/** Puts `content` between the two comments that name the block. */
function replaceBlock(document: string, name: string, content: string): string {
  const [start, end] = [`<!-- ${name}: written by bench/write-performance.ts -->`, `<!-- /${name} -->`];
  const from = document.indexOf(start);
  const to = document.indexOf(end);
  if (from < 0 || to < from) {
    throw new ContractError(
      `write-performance: docs/performance.md must hold the comments "${start}" and "${end}", in this order; use them where the figures belong.`,
    );
  }
  return `${document.slice(0, from + start.length)}\n\n${content}\n\n${document.slice(to)}`;
}
