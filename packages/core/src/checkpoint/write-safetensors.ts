/**
 * Writes safetensors files.
 *
 * @packageDocumentation
 */
import { createHash } from "node:crypto";
import { CheckpointError } from "./checkpoint-error.ts";
import { elementBytes, type SafetensorsDtype } from "./dtype.ts";
import { nodeFiles, type CheckpointFiles, type WritableFile } from "./files.ts";
import { encodeHeader } from "./header.ts";

/** A tensor to be written. */
export interface TensorToWrite {
  readonly name: string;
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  /** Asked for once, when the tensor's turn comes; so no more than one tensor need be in memory. */
  readonly bytes: () => Uint8Array;
}

/** What was written. */
export interface WrittenFile {
  /** Size of the file. */
  readonly bytes: number;
  /** SHA-256 of the bytes of each tensor, in lowercase hex. */
  readonly sha256: ReadonlyMap<string, string>;
}

/** Fits into the second-level cache, so that a piece is hashed and written while it is there. */
const PIECE_BYTES = 2 ** 18;

/**
 * Writes a safetensors file, one tensor after the other, and returns once it is on the disk. Wide elements come first,
 * so that every tensor starts at a multiple of its element size.
 *
 * @example
 * ```ts
 * const bytes = () => new Uint8Array(new Float32Array([1, 2, 3, 4, 5, 6]).buffer);
 * writeSafetensors("w.safetensors", [{ name: "w", dtype: "F32", shape: [2, 3], bytes }]);
 * ```
 * @throws CheckpointError if two tensors have one name or one has another size than its shape says, and with the tensor's
 * name if the file system refuses (a full disk).
 */
export function writeSafetensors(
  path: string,
  tensors: readonly TensorToWrite[],
  options: { readonly metadata?: Readonly<Record<string, string>>; readonly files?: CheckpointFiles } = {},
): WrittenFile {
  const { metadata = {}, files = nodeFiles } = options;
  const ordered = [...tensors].sort((a, b) => elementBytes(b.dtype) - elementBytes(a.dtype));
  const named = new Map(ordered.map((tensor) => [tensor.name, tensor]));
  if (named.size !== tensors.length) {
    throw new CheckpointError(
      `writeSafetensors: names of tensors must differ in one file (${path}); use unique names.`,
    );
  }
  const { bytes: header, entries } = encodeHeader(named, metadata);
  const sha256 = new Map<string, string>();
  const file = guarded(path, "its header", () => files.create(path));
  let size = header.length;
  try {
    guarded(path, "its header", () => {
      file.write(header);
    });
    for (const tensor of ordered) {
      const { start, end } = entries.get(tensor.name)!;
      sha256.set(tensor.name, writeTensor(file, path, tensor, end - start));
      size += end - start;
    }
    guarded(path, "its end", () => {
      file.sync();
    });
  } finally {
    file.close();
  }
  return { bytes: size, sha256 };
}

function writeTensor(file: WritableFile, path: string, tensor: TensorToWrite, expected: number): string {
  const { name } = tensor;
  const bytes = tensor.bytes();
  if (bytes.length !== expected) {
    throw new CheckpointError(
      `writeSafetensors: tensor "${name}" (${bytes.length} bytes) must fill ${tensor.dtype}[${tensor.shape.join(", ")}] (${expected} bytes); use its own shape.`,
    );
  }
  const hash = createHash("sha256");
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    const piece = bytes.subarray(at, at + PIECE_BYTES);
    hash.update(piece);
    guarded(path, `tensor "${name}"`, () => {
      file.write(piece);
    });
  }
  return hash.digest("hex");
}

/** Says which tensor a failure of the file system hit. */
function guarded<R>(path: string, what: string, body: () => R): R {
  try {
    return body();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CheckpointError(
      `writeSafetensors: file (${path}) must be writable, but ${what} could not be written (${reason}); use a disk with enough space.`,
      { cause },
    );
  }
}
