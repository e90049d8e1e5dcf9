/**
 * Writes the pictures and figures of `docs/pipeline.md`, and `docs/pipeline.svg`, from a result of
 * `pnpm bench pipeline --json`.
 *
 * `node --import tsx --conditions=@meshwright/source bench/write-pipeline.ts bench.json`
 *
 * @packageDocumentation
 */
import { readFile, writeFile } from "node:fs/promises";
import { ContractError } from "@meshwright/core";
import { drawSvg } from "@meshwright/pipeline";
import { Command } from "commander";
import { conditionsLine } from "./conditions.ts";
import { pipelineSections } from "./report/pipeline.ts";
import { replaceBlock } from "./report/replace-block.ts";
import { schedulePictures, scheduleTable } from "./report/schedules.ts";
import { markdownTable } from "./report/table.ts";
import type { BenchResults } from "./results.ts";

const DOCUMENT = new URL("../docs/pipeline.md", import.meta.url);
const PICTURE = new URL("../docs/pipeline.svg", import.meta.url);

const [file] = new Command("write-pipeline")
  .description("Writes the figures of docs/pipeline.md and docs/pipeline.svg.")
  .argument("<file>", "what pnpm bench pipeline --json wrote")
  .parse().args as [string];
const results = JSON.parse(await readFile(file, "utf8")) as BenchResults;
const { pipeline } = results;
if (pipeline === undefined || results.quick) {
  throw new ContractError(
    `write-pipeline: ${file} must hold full samples of the pipeline benchmark; use pnpm bench pipeline --json ${file}.`,
  );
}

const [schedules, balance, overhead] = pipelineSections(pipeline).map(
  ({ title, table }) => `**${title}**\n\n${markdownTable(table)}`,
);
const contents = {
  conditions: `${conditionsLine(results)}.`,
  pictures: schedulePictures(),
  sizes: markdownTable(scheduleTable()),
  schedules: schedules!,
  balance: balance!,
  overhead: overhead!,
};
let text = await readFile(DOCUMENT, "utf8");
for (const [name, content] of Object.entries(contents)) {
  text = replaceBlock(text, content, { name, script: "write-pipeline", page: "docs/pipeline.md" });
}
await writeFile(DOCUMENT, text);
const picture = drawSvg(pipeline.timelines, {
  id: "pipeline",
  title: "1F1B on 8 ranks with 32 micro-batches, predicted above measured",
  width: 1200,
  hasTooltips: false,
});
await writeFile(PICTURE, `${picture.trimEnd()}\n`);
