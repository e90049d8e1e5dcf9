/**
 * Trains everything for two steps and writes `docs/communication.md`.
 */
import { writeFile } from "node:fs/promises";
import { documentFile, documentText } from "./document.ts";
import { trainAll } from "./train-all.ts";

// Every step communicates alike; the last is counted, when all has been made that is made once.
await writeFile(documentFile, await documentText(await trainAll(2)));
