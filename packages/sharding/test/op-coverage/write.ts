/**
 * Measures every call and writes the record and `docs/op-coverage.md`. With `--rules-only` it measures nothing and writes
 * the table from the rules as they are and the record as it was.
 */
import { writeFile } from "node:fs/promises";
import { collect } from "./collect.ts";
import { readRecord, recordFile, recordText, tableFile, tableText } from "./documents.ts";

const measured = process.argv.includes("--rules-only") ? await readRecord() : await collect();
await writeFile(recordFile, await recordText(measured));
await writeFile(tableFile, await tableText(measured));
