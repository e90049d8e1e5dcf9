/**
 * Checks every byte of a checkpoint.
 *
 * @packageDocumentation
 */
import { numElements } from "./box.ts";
import { CheckpointReader } from "./checkpoint-reader.ts";
import type { CheckpointIndex } from "./checkpoint-index.ts";
import { elementBytes } from "./dtype.ts";
import { nodeFiles, type CheckpointFiles } from "./files.ts";

/** What was checked. */
export interface VerifiedCheckpoint {
  readonly folder: string;
  readonly numTensors: number;
  readonly numPieces: number;
  /** Bytes of tensors. */
  readonly bytes: number;
}

/** Bytes of all pieces. */
export function checkpointBytes({ tensors }: CheckpointIndex): number {
  return Object.values(tensors).reduce(
    (sum, { dtype, shape }) => sum + numElements(shape) * elementBytes(dtype),
    0,
  );
}

/**
 * Reads the whole checkpoint and compares all hashes, in the order of files.
 *
 * @param path - the folder of a checkpoint, or one that holds some (the latest is taken)
 * @throws CheckpointError that names the file and the tensor: a file that is missing, cut short or altered, a tensor that
 * is missing, too many, or of another shape.
 */
export function verifyCheckpoint(
  path: string,
  options: {
    readonly files?: CheckpointFiles;
    /** Told how many bytes are done, of how many. */
    readonly onProgress?: (done: number, total: number) => void;
  } = {},
): VerifiedCheckpoint {
  const reader = new CheckpointReader(path, options.files ?? nodeFiles);
  try {
    reader.checkFiles();
    const total = checkpointBytes(reader.index);
    const pieces = Object.entries(reader.index.tensors).flatMap(([name, tensor]) =>
      tensor.pieces.map((piece) => ({ name, piece })),
    );
    pieces.sort((a, b) => (a.piece.file < b.piece.file ? -1 : a.piece.file > b.piece.file ? 1 : 0));
    let done = 0;
    for (const { name, piece } of pieces) {
      reader.verifyPiece(name, piece, (count) => {
        done += count;
        options.onProgress?.(done, total);
      });
    }
    return {
      folder: reader.folder,
      numTensors: Object.keys(reader.index.tensors).length,
      numPieces: pieces.length,
      bytes: total,
    };
  } finally {
    reader.close();
  }
}
