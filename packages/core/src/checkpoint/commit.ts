/**
 * The protocol that makes a save all or nothing.
 *
 * ```
 *   rank 0      beginSave    remove leftovers, create .saving-step-N/
 *   (all wait)
 *   every rank  writePart    shard file, synced; then part-R.json, synced and renamed: this part is complete
 *   (all wait, or rank 0's writer looks for the parts)
 *   rank 0      commitSave   index.json from all parts, synced; folder synced;
 *                            .saving-step-N renamed to step-N, folder above synced     <- from here on it exists
 *                            latest replaced by rename, folder above synced            <- from here on it is the latest
 *                            older checkpoints renamed to .removing-..., removed
 * ```
 *
 * A crash before the rename leaves a `.saving-` folder, which nobody reads and the next save removes; after it, a
 * complete checkpoint. No step changes a file of an existing checkpoint.
 *
 * @packageDocumentation
 */
import { join } from "node:path";
import { CheckpointError } from "./checkpoint-error.ts";
import {
  checkpointName,
  LATEST_FILE,
  listCheckpoints,
  nextRevision,
  REMOVING_PREFIX,
  SAVING_PREFIX,
  savingFolder,
  shardFileName,
} from "./checkpoint-folder.ts";
import {
  checkTiling,
  encodeIndex,
  INDEX_FILE,
  INDEX_VERSION,
  type CheckpointFacts,
  type CheckpointIndex,
  type OptimizerRecord,
  type RandomRecord,
  type TensorRecord,
} from "./checkpoint-index.ts";
import { readSmallFile, writeSmallFile, type CheckpointFiles } from "./files.ts";
import { tokenFile } from "./shared-folder.ts";
import { writeSafetensors, type TensorToWrite } from "./write-safetensors.ts";

/** A save in progress. */
export interface SaveTarget {
  /** The folder of all checkpoints. */
  readonly dir: string;
  /** Name of the checkpoint once it is complete. */
  readonly name: string;
}

/** A piece of a tensor to be written. */
export interface PieceToWrite extends TensorToWrite {
  readonly offset: readonly number[];
  readonly globalShape: readonly number[];
}

/** What one rank adds to a checkpoint. */
export interface PartToWrite {
  /** 0 to `numParts - 1`. */
  readonly part: number;
  readonly numParts: number;
  readonly pieces: readonly PieceToWrite[];
  readonly optimizer: OptimizerRecord | null;
  readonly random: RandomRecord | null;
}

/** What is known of a part once its file is on the disk. */
type PartRecord = Pick<CheckpointIndex, "files" | "tensors" | "optimizer" | "random">;

/** What completes a checkpoint. */
export interface CommitOptions {
  readonly numParts: number;
  readonly facts: CheckpointFacts;
  /** How many checkpoints stay, this one included; undefined: all. */
  readonly keep?: number | undefined;
}

function partFile(target: SaveTarget, part: number): string {
  return join(savingFolder(target), `part-${String(part).padStart(5, "0")}.json`);
}

/**
 * Removes what crashed saves left in `dir`, and creates the folder of a new one. For one rank.
 *
 * @returns also the revision in the name, which is above 0 if there is a checkpoint of the step already
 */
export function beginSave(
  files: CheckpointFiles,
  dir: string,
  step: number,
): SaveTarget & { readonly revision: number } {
  files.createFolder(dir);
  for (const name of files.list(dir)) {
    if (name.startsWith(SAVING_PREFIX) || name.startsWith(REMOVING_PREFIX)) files.remove(join(dir, name));
  }
  const revision = nextRevision(dir, step, files);
  const target = { dir, name: checkpointName(step, revision), revision };
  files.createFolder(savingFolder(target));
  return target;
}

/** Writes one rank's file, and says so in the folder. Returns the bytes of the file. */
export function writePart(files: CheckpointFiles, target: SaveTarget, part: PartToWrite): number {
  const file = shardFileName(part.part, part.numParts);
  const { bytes, sha256 } = writeSafetensors(join(savingFolder(target), file), part.pieces, {
    metadata: { format: "meshwright-checkpoint-shard" },
    files,
  });
  const tensors: [string, TensorRecord][] = part.pieces.map(({ name, dtype, shape, offset, globalShape }) => [
    name,
    { dtype, shape: globalShape, pieces: [{ file, offset, shape, sha256: sha256.get(name)! }] },
  ]);
  const record: PartRecord = {
    files: { [file]: { bytes } },
    tensors: Object.fromEntries(tensors),
    optimizer: part.optimizer,
    random: part.random,
  };
  const path = partFile(target, part.part);
  writeSmallFile(files, `${path}.writing`, JSON.stringify(record));
  files.rename(`${path}.writing`, path);
  return bytes;
}

/** Whether all parts are complete. */
export function allPartsWritten(files: CheckpointFiles, target: SaveTarget, numParts: number): boolean {
  return Array.from({ length: numParts }).every((_, part) => files.exists(partFile(target, part)));
}

/**
 * Makes the checkpoint real, once all parts are written. For one rank. Returns its folder.
 *
 * @throws CheckpointError if the pieces of some tensor do not tile it.
 */
export function commitSave(files: CheckpointFiles, target: SaveTarget, options: CommitOptions): string {
  const { dir, name } = target;
  const saving = savingFolder(target);
  const parts = Array.from({ length: options.numParts }, (_, part) => partFile(target, part));
  const records = parts.map((path) => JSON.parse(readSmallFile(files, path)) as PartRecord);
  const index = mergeParts(records, options.facts);
  for (const [tensor, record] of Object.entries(index.tensors)) checkTiling(tensor, record, saving);
  writeSmallFile(files, join(saving, INDEX_FILE), encodeIndex(index));
  for (const path of [...parts, tokenFile(target)]) files.remove(path);
  files.syncFolder(saving);
  files.rename(saving, join(dir, name));
  files.syncFolder(dir);
  pointLatest(files, target);
  if (options.keep !== undefined) removeOld(files, target, options.keep);
  return join(dir, name);
}

/** Removes what was written of a save that failed. For one rank. */
export function abandonSave(files: CheckpointFiles, target: SaveTarget): void {
  files.remove(savingFolder(target));
}

function mergeParts(records: readonly PartRecord[], facts: CheckpointFacts): CheckpointIndex {
  const tensors = new Map<string, TensorRecord>();
  for (const record of records) {
    for (const [name, tensor] of Object.entries(record.tensors)) {
      const known = tensors.get(name);
      tensors.set(name, known === undefined ? tensor : mergeTensor(name, known, tensor));
    }
  }
  return {
    format: "meshwright-checkpoint",
    version: INDEX_VERSION,
    ...facts,
    optimizer: mergeOptimizers(records.flatMap(({ optimizer }) => optimizer ?? [])),
    random: mergeRandom(records.flatMap(({ random }) => random ?? [])),
    files: Object.assign({}, ...records.map((record) => record.files)) as CheckpointIndex["files"],
    tensors: Object.fromEntries(tensors),
  };
}

function mergeTensor(name: string, a: TensorRecord, b: TensorRecord): TensorRecord {
  if (a.dtype !== b.dtype || a.shape.join() !== b.shape.join()) {
    throw new CheckpointError(
      `saveCheckpoint: tensor "${name}" (${a.dtype}[${a.shape.join(", ")}] and ${b.dtype}[${b.shape.join(", ")}]) must be the same on all ranks; use unique names.`,
    );
  }
  return { ...a, pieces: [...a.pieces, ...b.pieces] };
}

function mergeOptimizers(records: readonly OptimizerRecord[]): OptimizerRecord | null {
  const [first] = records;
  if (first === undefined) return null;
  const steps = Object.assign({}, ...records.map((record) => record.steps)) as OptimizerRecord["steps"];
  return { ...first, steps };
}

/** A stage of a pipeline counts the calls of its own layers only, so the largest count is the right one. */
function mergeRandom(records: readonly RandomRecord[]): RandomRecord | null {
  const [first] = records;
  if (first === undefined) return null;
  const callIndices: Record<string, number> = {};
  for (const record of records) {
    for (const [path, index] of Object.entries(record.callIndices)) {
      callIndices[path] = Math.max(callIndices[path] ?? 0, index);
    }
  }
  return { callIndices, mathRandom: first.mathRandom };
}

function pointLatest(files: CheckpointFiles, { dir, name }: SaveTarget): void {
  const writing = join(dir, `${SAVING_PREFIX}${LATEST_FILE}`);
  writeSmallFile(files, writing, `${name}\n`);
  files.rename(writing, join(dir, LATEST_FILE));
  files.syncFolder(dir);
}

/** The one just committed stays, and of the others those that were written last. */
function removeOld(files: CheckpointFiles, { dir, name }: SaveTarget, keep: number): void {
  const others = listCheckpoints(dir, files)
    .filter((other) => other !== name)
    .map((other) => ({ other, writtenMs: files.modifiedMs(join(dir, other, INDEX_FILE)) }))
    .sort((a, b) => a.writtenMs - b.writtenMs);
  for (const { other } of others.slice(0, Math.max(0, others.length + 1 - keep))) {
    // Renamed first: a crash amid the removal must not leave a folder that looks like a checkpoint.
    const removing = join(dir, `${REMOVING_PREFIX}${other}`);
    files.rename(join(dir, other), removing);
    files.syncFolder(dir);
    files.remove(removing);
  }
}
