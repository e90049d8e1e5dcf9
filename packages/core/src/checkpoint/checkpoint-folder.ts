/**
 * How checkpoints lie in a folder.
 *
 * ```
 *   checkpoints/
 *     latest                            "step-00000200", the last one that was committed
 *     step-00000100/  step-00000200/    complete checkpoints
 *       index.json                      what is in it, and where
 *       shard-00000-of-00004.safetensors ...
 *     .saving-step-00000300/            being written, or left by a crash: the next save removes it
 *     .removing-step-00000000/          being removed
 * ```
 *
 * @packageDocumentation
 */
import { join } from "node:path";
import { CheckpointError } from "./checkpoint-error.ts";
import { INDEX_FILE } from "./checkpoint-index.ts";
import { nodeFiles, readSmallFile, type CheckpointFiles } from "./files.ts";

/** The file that names the newest checkpoint. */
export const LATEST_FILE = "latest";

/** How the names of folders begin that are not complete. */
export const SAVING_PREFIX = ".saving-";
/** How the names of folders begin that are being removed. */
export const REMOVING_PREFIX = ".removing-";

/** The folder in which the checkpoint `name` of `dir` is prepared. */
export function savingFolder({ dir, name }: { readonly dir: string; readonly name: string }): string {
  return join(dir, `${SAVING_PREFIX}${name}`);
}

const NAME = /^step-(\d{8,})(?:\.(\d+))?$/;

/** `step-00000200`; a second checkpoint of one step is revision 1 and has the name `step-00000200.1`. */
export function checkpointName(step: number, revision: number): string {
  return `step-${String(step).padStart(8, "0")}${revision === 0 ? "" : `.${revision}`}`;
}

/** `shard-00001-of-00004.safetensors` */
export function shardFileName(part: number, numParts: number): string {
  const [of, total] = [part, numParts].map((number) => String(number).padStart(5, "0"));
  return `shard-${of!}-of-${total!}.safetensors`;
}

/** Names of the complete checkpoints in `dir`, in ascending order of steps. */
export function listCheckpoints(dir: string, files: CheckpointFiles = nodeFiles): readonly string[] {
  return files
    .list(dir)
    .filter((name) => NAME.test(name) && files.exists(join(dir, name, INDEX_FILE)))
    .sort((a, b) => compareParts(partsOf(a), partsOf(b)));
}

function partsOf(name: string): readonly [number, number] {
  const [, step, revision] = NAME.exec(name)!;
  return [Number(step), Number(revision ?? 0)];
}

function compareParts(a: readonly [number, number], b: readonly [number, number]): number {
  return a[0] - b[0] || a[1] - b[1];
}

/** First revision of a step that has no folder yet. */
export function nextRevision(dir: string, step: number, files: CheckpointFiles): number {
  let revision = 0;
  while (files.exists(join(dir, checkpointName(step, revision)))) revision++;
  return revision;
}

/**
 * The folder of the checkpoint that was committed last, undefined if there is none: the one that `latest` names, or the
 * highest step if `latest` is missing (a crash during the first save). Folders without an index are no checkpoints.
 *
 * @example
 * ```ts
 * const folder = latestCheckpoint("checkpoints"); // "checkpoints/step-00000200"
 * ```
 */
export function latestCheckpoint(dir: string, files: CheckpointFiles = nodeFiles): string | undefined {
  const names = listCheckpoints(dir, files);
  const pointer = join(dir, LATEST_FILE);
  const named = files.exists(pointer) ? readSmallFile(files, pointer).trim() : undefined;
  const name = named !== undefined && names.includes(named) ? named : names.at(-1);
  return name === undefined ? undefined : join(dir, name);
}

/**
 * The folder of a checkpoint: `path` itself if it holds an index, else the latest one in it.
 *
 * @throws CheckpointError if there is none.
 */
export function findCheckpoint(where: string, path: string, files: CheckpointFiles = nodeFiles): string {
  const folder = files.exists(join(path, INDEX_FILE)) ? path : latestCheckpoint(path, files);
  if (folder !== undefined) return folder;
  throw new CheckpointError(
    `${where}: folder (${path}) must be a checkpoint or hold one; use the folder that saveCheckpoint wrote to.`,
  );
}
