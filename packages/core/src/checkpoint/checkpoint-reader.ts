/**
 * Reads a checkpoint: any box of any tensor, out of the byte ranges that hold it.
 *
 * @packageDocumentation
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { intersect, numElements, placeBox, relativeTo, sameBox, type Box } from "./box.ts";
import { CheckpointError } from "./checkpoint-error.ts";
import { findCheckpoint } from "./checkpoint-folder.ts";
import { readIndex, type CheckpointIndex, type PieceRecord, type TensorRecord } from "./checkpoint-index.ts";
import { elementBytes } from "./dtype.ts";
import { nodeFiles, type CheckpointFiles } from "./files.ts";
import { SafetensorsFile, type BytesRead } from "./read-safetensors.ts";

/** A piece of a tensor, and the part of it that somebody wants. */
export interface WantedPiece {
  readonly piece: PieceRecord;
  readonly box: Box;
  /** Whether the part is all of the piece, so that its hash can be checked while it is read. */
  readonly isWhole: boolean;
}

/** Pieces are hashed in parts of this size, so that memory does not depend on the size of tensors. */
const HASH_BYTES = 2 ** 22;

/** An open checkpoint. `close` it. */
export class CheckpointReader {
  readonly folder: string;
  readonly index: CheckpointIndex;
  readonly #files: CheckpointFiles;
  readonly #open = new Map<string, SafetensorsFile>();

  /**
   * @param path - the folder of a checkpoint, or one that holds some (the latest is taken)
   * @throws CheckpointError if there is none, or its index is damaged.
   */
  constructor(path: string, files: CheckpointFiles = nodeFiles) {
    this.folder = findCheckpoint("CheckpointReader", path, files);
    this.index = readIndex(files, this.folder);
    this.#files = files;
  }

  /** Bytes read from files so far; those of the index do not count. */
  get bytesRead(): Readonly<BytesRead> {
    const total: BytesRead = { header: 0, data: 0 };
    for (const { bytesRead } of this.#open.values()) {
      total.header += bytesRead.header;
      total.data += bytesRead.data;
    }
    return total;
  }

  /** @throws CheckpointError if the checkpoint has no such tensor. */
  tensor(name: string): TensorRecord {
    const { tensors } = this.index;
    if (Object.hasOwn(tensors, name)) return tensors[name]!;
    throw new CheckpointError(
      `${this.folder}: tensor "${name}" must be in the checkpoint, which has ${Object.keys(tensors).length} others; use the model that was saved.`,
    );
  }

  /** The pieces that hold parts of a box. */
  wantedPieces(name: string, box: Box): readonly WantedPiece[] {
    return this.tensor(name).pieces.flatMap((piece) => {
      const common = intersect(box, piece);
      return common === undefined ? [] : [{ piece, box: common, isWhole: sameBox(common, piece) }];
    });
  }

  /**
   * The bytes of a box, row-major, in a buffer of their own. Pieces that lie in it whole are checked against their hashes
   * (unless `verify` is false); of others, only the bytes in the box are read.
   *
   * @throws CheckpointError if a file is missing or cut short, or a hash differs.
   */
  readBox(name: string, box: Box, { verify = true }: { readonly verify?: boolean } = {}): Uint8Array {
    const elementSize = elementBytes(this.tensor(name).dtype);
    const bytes = new Uint8Array(numElements(box.shape) * elementSize);
    for (const { piece, box: part, isWhole } of this.wantedPieces(name, box)) {
      const isAll = sameBox(part, box);
      const into = isAll ? bytes : new Uint8Array(numElements(part.shape) * elementSize);
      this.file(name, piece).readBox(name, relativeTo(part, piece), into);
      if (verify && isWhole) this.#compare(name, piece, createHash("sha256").update(into).digest("hex"));
      if (!isAll) placeBox(into, bytes, { box: part, outer: box, elementSize });
    }
    return bytes;
  }

  /**
   * Reads a piece and compares its hash.
   *
   * @param onBytes - told how many bytes were read since it was last called
   * @throws CheckpointError if the file is missing or cut short, or the hash differs.
   */
  verifyPiece(name: string, piece: PieceRecord, onBytes?: (count: number) => void): void {
    const file = this.file(name, piece);
    const size = elementBytes(this.tensor(name).dtype);
    const hash = createHash("sha256");
    const total = numElements(piece.shape);
    const step = HASH_BYTES / size;
    for (let from = 0; from < total; from += step) {
      const bytes = file.readBytes(name, { from, to: Math.min(total, from + step) });
      hash.update(bytes);
      onBytes?.(bytes.length);
    }
    this.#compare(name, piece, hash.digest("hex"));
  }

  /**
   * The open file that holds a piece, its header checked against the index.
   *
   * @throws CheckpointError that names file and tensor.
   */
  file(name: string, piece: PieceRecord): SafetensorsFile {
    const file = this.#openFile(name, piece.file);
    const entry = file.header.tensors.get(name);
    const { dtype } = this.tensor(name);
    if (entry === undefined) {
      throw new CheckpointError(
        `${file.path}: tensor "${name}" must be in the file, as the index says; use another checkpoint.`,
      );
    }
    if (entry.dtype === dtype && entry.shape.join() === piece.shape.join()) return file;
    throw new CheckpointError(
      `${file.path}: tensor "${name}" (${entry.dtype}[${entry.shape.join(", ")}]) must be ${dtype}[${piece.shape.join(", ")}], as the index says; use another checkpoint.`,
    );
  }

  /** Opens and checks every file, and checks that the files hold what the index says and nothing else. */
  checkFiles(): void {
    const expected = new Map<string, Set<string>>(
      Object.keys(this.index.files).map((file) => [file, new Set()]),
    );
    for (const [name, { pieces }] of Object.entries(this.index.tensors)) {
      for (const piece of pieces) {
        this.file(name, piece);
        expected.get(piece.file)!.add(name);
      }
    }
    for (const [fileName, names] of expected) {
      const file = this.#openFile(undefined, fileName);
      for (const name of file.header.tensors.keys()) {
        if (names.has(name)) continue;
        throw new CheckpointError(
          `${file.path}: tensor "${name}" must not be in the file, as the index does not name it; use another checkpoint.`,
        );
      }
    }
  }

  close(): void {
    for (const file of this.#open.values()) file.close();
    this.#open.clear();
  }

  #openFile(name: string | undefined, fileName: string): SafetensorsFile {
    const known = this.#open.get(fileName);
    if (known !== undefined) return known;
    const path = join(this.folder, fileName);
    const of = name === undefined ? "" : ` with tensor "${name}"`;
    const expected = this.index.files[fileName]!.bytes;
    if (!this.#files.exists(path)) {
      throw new CheckpointError(`${path}: file${of} must exist, but is missing; use another checkpoint.`);
    }
    const actual = sizeOf(this.#files, path);
    if (actual !== expected) {
      throw new CheckpointError(
        `${path}: file${of} (${actual} bytes) must have ${expected} bytes, as the index says; it was ${actual < expected ? "truncated" : "altered"}, use another checkpoint.`,
      );
    }
    const file = SafetensorsFile.open(path, this.#files);
    this.#open.set(fileName, file);
    return file;
  }

  #compare(name: string, piece: PieceRecord, actual: string): void {
    if (actual === piece.sha256) return;
    throw new CheckpointError(
      `${join(this.folder, piece.file)}: tensor "${name}" (SHA-256 ${actual.slice(0, 8)}...) must have the hash ${piece.sha256.slice(0, 8)}..., as the index says; its bytes were altered, use another checkpoint.`,
    );
  }
}

function sizeOf(files: CheckpointFiles, path: string): number {
  const file = files.open(path);
  try {
    return file.size;
  } finally {
    file.close();
  }
}
