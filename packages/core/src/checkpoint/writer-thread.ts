/**
 * Entry of the thread that writes a rank's part of a checkpoint while the rank trains on.
 *
 * Parts of other ranks are found in the folder, not by messages: that serves threads of one process and processes on
 * several machines with a common file system alike.
 *
 * @packageDocumentation
 */
import { setTimeout } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import { InternalError } from "../errors.ts";
import { allPartsWritten, commitSave, writePart } from "./commit.ts";
import { nodeFiles } from "./files.ts";
import { GIVE_UP, type WriterJob, type WriterMessage } from "./writer-job.ts";

/** Between two looks for the parts of other ranks. */
const LOOK_EVERY_MS = 5;

async function run(
  job: WriterJob,
  post: (message: WriterMessage) => void,
  isGivenUp: () => boolean,
): Promise<void> {
  const { target, commit } = job;
  const pieces = job.pieces.map((piece) => ({ ...piece, bytes: () => piece.data }));
  post({ kind: "written", bytes: writePart(nodeFiles, target, { ...job, pieces }) });
  if (commit === undefined) return;
  while (!allPartsWritten(nodeFiles, target, commit.numParts)) {
    if (isGivenUp()) return;
    await setTimeout(LOOK_EVERY_MS);
  }
  post({ kind: "committed", folder: commitSave(nodeFiles, target, commit) });
}

async function main(): Promise<void> {
  const port = parentPort;
  if (port === null) throw new InternalError("the writer entry was imported outside a worker thread");
  let isGivenUp = false;
  port.on("message", (message) => {
    if (message === GIVE_UP) isGivenUp = true;
  });
  const post = (message: WriterMessage): void => {
    port.postMessage(message);
  };
  try {
    await run(workerData as WriterJob, post, () => isGivenUp);
  } catch (error) {
    post({ kind: "failed", message: error instanceof Error ? error.message : String(error) });
  } finally {
    // An open port would keep the thread alive.
    port.close();
  }
}

await main();
