/**
 * Writes the collectives over MPI into `docs/multi-node.md`, from results of `pnpm bench mpi --json`.
 *
 * `node --import tsx --conditions=@meshwright/source bench/write-mpi.ts mpi-2.json mpi-4.json`
 *
 * @packageDocumentation
 */
import { readFile, writeFile } from "node:fs/promises";
import { Command } from "commander";
import { conditionsLine, type Conditions } from "./conditions.ts";
import type { MpiFigure } from "./mpi/measure.ts";
import { mpiSections } from "./report/mpi.ts";
import { replaceBlock } from "./report/replace-block.ts";
import { markdownTable } from "./report/table.ts";

const DOCUMENT = new URL("../docs/multi-node.md", import.meta.url);

const [files] = new Command("write-mpi")
  .description("Writes the figures of collectives over MPI into docs/multi-node.md.")
  .argument("<files...>", "what pnpm bench mpi --json wrote, one for each number of ranks")
  .parse().processedArgs as [string[]];
const blocks = await Promise.all(
  files.map(async (file) => {
    const results = JSON.parse(await readFile(file, "utf8")) as Conditions & {
      readonly ranks: number;
      readonly figures: readonly MpiFigure[];
    };
    const sections = mpiSections(results.figures).map(
      ({ title, table }) => `**${title}, ${results.ranks} ranks**\n\n${markdownTable(table)}`,
    );
    return [`${conditionsLine(results)}; ${results.ranks} ranks.`, ...sections].join("\n\n");
  }),
);
const place = { name: "mpi", script: "write-mpi", page: "docs/multi-node.md" };
await writeFile(DOCUMENT, replaceBlock(await readFile(DOCUMENT, "utf8"), blocks.join("\n\n"), place));
