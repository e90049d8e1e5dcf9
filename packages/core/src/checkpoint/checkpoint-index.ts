/**
 * The index of a checkpoint: what is in it, and where. The only file that says that a checkpoint is complete.
 *
 * @packageDocumentation
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { findOverlap, numElements, type Box } from "./box.ts";
import { CheckpointError } from "./checkpoint-error.ts";
import { checkIndexShape } from "./check-index-shape.ts";
import type { SafetensorsDtype } from "./dtype.ts";
import type { SeededRandomState } from "../runtime/seeded-random.ts";
import { readSmallFile, type CheckpointFiles } from "./files.ts";

/** Name of the index in the folder of a checkpoint. */
export const INDEX_FILE = "index.json";

/** The version that this code writes, and the only one that it reads. */
export const INDEX_VERSION = 1;

/** Anything that JSON can hold. */
export type JsonValue =
  null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** One piece of a tensor: a tensor of the same name in one of the files. */
export interface PieceRecord extends Box {
  readonly file: string;
  /** Of the piece's bytes, in lowercase hex. */
  readonly sha256: string;
}

/** A tensor: its pieces tile it without overlap. */
export interface TensorRecord {
  readonly dtype: SafetensorsDtype;
  /** Global shape. */
  readonly shape: readonly number[];
  readonly pieces: readonly PieceRecord[];
}

/** What an optimizer is besides its tensors. */
export interface OptimizerRecord {
  /** `"AdamW"` or `"SGD"`. */
  readonly kind: string;
  readonly numSteps: number;
  /** Updates of each parameter, by its name. */
  readonly steps: Readonly<Record<string, number>>;
}

/** State of everything that draws random numbers. */
export interface RandomRecord {
  /** Number of the next call of each random layer, by its path in the model. */
  readonly callIndices: Readonly<Record<string, number>>;
  /** State of the rank's seeded `Math.random`; null where it was another generator. */
  readonly mathRandom: SeededRandomState | null;
}

/** What the program says of a checkpoint, besides tensors. */
export interface CheckpointFacts {
  /** Training steps done. */
  readonly step: number;
  /** The mesh that saved it: axis names and sizes. */
  readonly mesh: Readonly<Record<string, number>>;
  /** SHA-256 of the program's configuration; null if it gave none. */
  readonly configHash: string | null;
  readonly dataPosition: JsonValue;
  readonly extra: JsonValue;
}

/** The index. */
export interface CheckpointIndex extends CheckpointFacts {
  readonly format: "meshwright-checkpoint";
  readonly version: typeof INDEX_VERSION;
  readonly optimizer: OptimizerRecord | null;
  readonly random: RandomRecord | null;
  /** Size of each file. */
  readonly files: Readonly<Record<string, { readonly bytes: number }>>;
  readonly tensors: Readonly<Record<string, TensorRecord>>;
}

/** The text of an index. It ends with a hash of all that stands before. */
export function encodeIndex(index: CheckpointIndex): string {
  return `${JSON.stringify({ ...index, sha256: indexHash(index) }, undefined, 1)}\n`;
}

/**
 * Reads and checks the index of a checkpoint.
 *
 * @throws CheckpointError if there is none, if it is of another version, was altered, or if the pieces of a tensor do not
 * tile it.
 */
export function readIndex(files: CheckpointFiles, folder: string): CheckpointIndex {
  const path = join(folder, INDEX_FILE);
  if (!files.exists(path)) {
    throw new CheckpointError(
      `${folder}: folder must hold a complete checkpoint, but ${INDEX_FILE} is missing; use a folder that latestCheckpoint finds.`,
    );
  }
  return parseIndex(readSmallFile(files, path), path);
}

/** The index in a text; `path` is named in errors. */
export function parseIndex(text: string, path: string): CheckpointIndex {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new CheckpointError(
      `${path}: index must be JSON (${(cause as Error).message}); the file is damaged, use another checkpoint.`,
      { cause },
    );
  }
  const { format, version } = parsed as { format?: unknown; version?: unknown };
  if (format !== "meshwright-checkpoint" || version !== INDEX_VERSION) {
    throw new CheckpointError(
      `${path}: format (${JSON.stringify(format)}, version ${JSON.stringify(version)}) must be "meshwright-checkpoint" of version ${INDEX_VERSION}; use the version of @meshwright/core that wrote it.`,
    );
  }
  const { sha256, ...index } = parsed as CheckpointIndex & { readonly sha256: unknown };
  if (sha256 !== indexHash(index)) {
    throw new CheckpointError(
      `${path}: index must have the hash that stands in it, but was altered; use another checkpoint.`,
    );
  }
  checkIndexShape(index, path);
  for (const [name, tensor] of Object.entries(index.tensors)) checkTiling(name, tensor, path);
  return index;
}

function indexHash(index: CheckpointIndex): string {
  return createHash("sha256").update(JSON.stringify(index), "utf8").digest("hex");
}

/**
 * Checks that the pieces of a tensor tile it.
 *
 * @throws CheckpointError that names the tensor.
 */
export function checkTiling(name: string, { shape, pieces }: TensorRecord, where: string): void {
  const overlap = findOverlap(pieces);
  const covered = pieces.reduce((sum, piece) => sum + numElements(piece.shape), 0);
  const isInside = pieces.every(({ shape: size, offset }) =>
    offset.every((start, dim) => start >= 0 && start + size[dim]! <= shape[dim]!),
  );
  if (isInside && overlap === undefined && covered === numElements(shape)) return;
  throw new CheckpointError(
    `${where}: pieces of tensor "${name}" (${pieces.length}, ${covered} elements) must tile its shape [${shape.join(", ")}] (${numElements(shape)} elements); use another checkpoint.`,
  );
}

/** The hash of a program's configuration: of its JSON, with the keys of objects in ascending order. */
export function configHash(config: JsonValue): string {
  return createHash("sha256").update(canonicalJson(config), "utf8").digest("hex");
}

function canonicalJson(value: JsonValue): string {
  return JSON.stringify(value, (_key, field: unknown) =>
    typeof field === "object" && field !== null && !Array.isArray(field)
      ? Object.fromEntries(Object.entries(field).sort(([a], [b]) => (a < b ? -1 : 1)))
      : field,
  );
}
