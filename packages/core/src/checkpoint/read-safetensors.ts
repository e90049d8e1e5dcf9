/**
 * Reads safetensors files by byte range.
 *
 * @packageDocumentation
 */
import type { NumericArray } from "../transport/transport.ts";
import { forEachRun } from "../random/region.ts";
import type { Box } from "./box.ts";
import { CheckpointError } from "./checkpoint-error.ts";
import { elementBytes } from "./dtype.ts";
import { decodeElements } from "./element-values.ts";
import { nodeFiles, type CheckpointFiles, type ReadableFile } from "./files.ts";
import {
  damaged,
  LENGTH_BYTES,
  MAX_HEADER_BYTES,
  parseHeader,
  type Header,
  type HeaderEntry,
} from "./header.ts";

/** Bytes that a reader took from files. */
export interface BytesRead {
  /** Headers. */
  header: number;
  /** Elements. */
  data: number;
}

/** An open safetensors file. `close` it. */
export class SafetensorsFile {
  readonly path: string;
  readonly header: Header;
  readonly bytesRead: BytesRead;
  /** Size of the file. */
  readonly bytes: number;
  readonly #file: ReadableFile;
  readonly #dataStart: number;

  private constructor(
    path: string,
    file: ReadableFile,
    header: { readonly parsed: Header; readonly bytes: number },
  ) {
    this.path = path;
    this.header = header.parsed;
    this.bytes = file.size;
    this.bytesRead = { header: header.bytes, data: 0 };
    this.#file = file;
    this.#dataStart = header.bytes;
  }

  /**
   * Opens a file and checks its header.
   *
   * @throws CheckpointError if the file cannot be opened or breaks a rule of the format.
   */
  static open(path: string, files: CheckpointFiles = nodeFiles): SafetensorsFile {
    const file = openFile(path, files);
    try {
      const bytes = readHeader(path, file);
      const parsed = parseHeader(bytes, { file: path, dataBytes: file.size - LENGTH_BYTES - bytes.length });
      return new SafetensorsFile(path, file, { parsed, bytes: LENGTH_BYTES + bytes.length });
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /** What the header says of a tensor. @throws CheckpointError if the file has no such tensor. */
  entry(name: string): HeaderEntry {
    const entry = this.header.tensors.get(name);
    if (entry !== undefined) return entry;
    throw new CheckpointError(
      `${this.path}: tensor "${name}" must be in the file, which holds ${listSome([...this.header.tensors.keys()])}; use one of its names.`,
    );
  }

  /** The bytes of a tensor, or of elements `from` to `to` in row-major order, in a buffer of their own. */
  readBytes(name: string, range?: { readonly from: number; readonly to: number }): Uint8Array {
    const { dtype, start, end } = this.entry(name);
    const size = elementBytes(dtype);
    const from = start + (range?.from ?? 0) * size;
    const to = range === undefined ? end : start + range.to * size;
    const bytes = new Uint8Array(to - from);
    this.#read(name, bytes, from);
    return bytes;
  }

  /** The bytes of a box of a tensor, row-major, in `into`. Reads the ranges that the box covers, and nothing else. */
  readBox(name: string, { shape, offset }: Box, into: Uint8Array): void {
    const entry = this.entry(name);
    const size = elementBytes(entry.dtype);
    forEachRun({ globalShape: entry.shape, localShape: shape, offset }, (from, at, length) => {
      this.#read(name, into.subarray(at * size, (at + length) * size), entry.start + from * size);
    });
  }

  /**
   * All values of a tensor: `F32`, `F16`, `BF16` and `F64` as float32, integers as int32, `BOOL` as bytes.
   *
   * @throws CheckpointError if there is no such tensor, or a 64-bit value has no exact counterpart.
   */
  readValues(name: string): NumericArray {
    return decodeElements(this.readBytes(name), this.entry(name).dtype, `${this.path}: tensor "${name}"`);
  }

  close(): void {
    this.#file.close();
  }

  #read(name: string, into: Uint8Array, from: number): void {
    const count = this.#file.read(into, this.#dataStart + from);
    this.bytesRead.data += count;
    if (count < into.length)
      throw damaged(
        this.path,
        `tensor "${name}"`,
        `must be in the file whole (${count} of ${into.length} bytes are there)`,
      );
  }
}

/** The first three names. */
function listSome(names: readonly string[]): string {
  return `${names.slice(0, 3).join(", ")}${names.length > 3 ? ", ..." : ""}`;
}

function openFile(path: string, files: CheckpointFiles): ReadableFile {
  try {
    return files.open(path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CheckpointError(`${path}: file must exist and be readable (${reason}); use another copy.`, {
      cause,
    });
  }
}

/** The JSON of the header. */
function readHeader(path: string, file: ReadableFile): Uint8Array {
  const length = new DataView(new ArrayBuffer(LENGTH_BYTES));
  if (file.read(new Uint8Array(length.buffer), 0) < LENGTH_BYTES) {
    throw damaged(path, `file (${file.size} bytes)`, `must have at least ${LENGTH_BYTES} bytes`);
  }
  const headerBytes = Number(length.getBigUint64(0, true));
  if (headerBytes > MAX_HEADER_BYTES)
    throw damaged(path, `header (${headerBytes} bytes)`, `must have at most ${MAX_HEADER_BYTES} bytes`);
  if (headerBytes > file.size - LENGTH_BYTES) {
    throw damaged(path, `header (${headerBytes} bytes)`, `must end inside the file (${file.size} bytes)`);
  }
  const bytes = new Uint8Array(headerBytes);
  file.read(bytes, LENGTH_BYTES);
  return bytes;
}
