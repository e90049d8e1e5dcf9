/**
 * Writes the comparison with PyTorch into `docs/performance.md`, and its chart, from a result of
 * `pnpm bench pytorch --json`.
 *
 * `node --import tsx --conditions=@meshwright/source bench/write-pytorch.ts pytorch.json`
 *
 * @packageDocumentation
 */
import { readFile, writeFile } from "node:fs/promises";
import { ContractError } from "@meshwright/core";
import { Command } from "commander";
import { conditionsLine, type Conditions } from "./conditions.ts";
import type { PytorchBenchResult } from "./pytorch/run.ts";
import { pytorchChart } from "./report/pytorch-chart.ts";
import { pytorchSections } from "./report/pytorch.ts";
import { replaceBlock } from "./report/replace-block.ts";
import { markdownTable } from "./report/table.ts";

const DOCUMENT = new URL("../docs/performance.md", import.meta.url);
const CHART = new URL("../docs/performance-pytorch.svg", import.meta.url);

const [file] = new Command("write-pytorch")
  .description(
    "Writes the comparison with PyTorch into docs/performance.md and docs/performance-pytorch.svg.",
  )
  .argument("<file>", "what pnpm bench pytorch --json wrote")
  .parse().args as [string];
const results = JSON.parse(await readFile(file, "utf8")) as Conditions & PytorchBenchResult;
if (results.quick) {
  throw new ContractError(
    `write-pytorch: ${file} (made with --quick) must hold full samples; use pnpm bench pytorch --json ${file}.`,
  );
}

const sections = pytorchSections(results).map(
  ({ title, table }) => `**${title}**\n\n${markdownTable(table)}`,
);
const picture =
  "![Fastest training step of Meshwright, plain tfjs-node and PyTorch](performance-pytorch.svg)";
const content = [`${conditionsLine(results)}; seed ${results.seed}.`, picture, ...sections].join("\n\n");
const place = { name: "pytorch", script: "write-pytorch", page: "docs/performance.md" };
await writeFile(DOCUMENT, replaceBlock(await readFile(DOCUMENT, "utf8"), content, place));
await writeFile(CHART, pytorchChart(results));
