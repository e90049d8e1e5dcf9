/**
 * Whether all ranks that write a checkpoint see the folder of the one that began the save. Ranks on several hosts do so only if
 * the hosts share it.
 *
 * @packageDocumentation
 */
import { randomInt } from "node:crypto";
import { join } from "node:path";
import { savingFolder } from "./checkpoint-folder.ts";
import type { SaveTarget } from "./commit.ts";
import { readSmallFile, writeSmallFile, type CheckpointFiles } from "./files.ts";

/** Below the largest int32, which is how it travels. */
const MAX_TOKEN = 2 ** 31 - 1;

/** Gone once the checkpoint is complete. */
export function tokenFile(target: Pick<SaveTarget, "dir" | "name">): string {
  return join(savingFolder(target), "token");
}

/** Leaves a random number in the folder of a save that has begun, and returns it. For one rank. */
export function leaveToken(files: CheckpointFiles, target: SaveTarget): number {
  const token = randomInt(MAX_TOKEN);
  writeSmallFile(files, tokenFile(target), String(token));
  return token;
}

/** Whether this rank finds the number there: a folder of that name on a disk of its own does not hold it. */
export function seesToken(files: CheckpointFiles, target: SaveTarget, token: number): boolean {
  const file = tokenFile(target);
  return files.exists(file) && readSmallFile(files, file) === String(token);
}
