/**
 * Whole tensors out of a checkpoint or of a plain safetensors file, one way to read both.
 *
 * @packageDocumentation
 */
import { wholeBox, type Box } from "./box.ts";
import type { CheckpointIndex } from "./checkpoint-index.ts";
import { CheckpointReader } from "./checkpoint-reader.ts";
import { CheckpointError } from "./checkpoint-error.ts";
import { numElements } from "./box.ts";
import { elementBytes, type SafetensorsDtype } from "./dtype.ts";
import { encodeElements } from "./element-values.ts";
import { nodeFiles, type CheckpointFiles } from "./files.ts";
import { SafetensorsFile } from "./read-safetensors.ts";
import type { TensorToWrite } from "./write-safetensors.ts";

/** Where tensors come from. `close` it. */
export interface TensorSource {
  /** Of a checkpoint. */
  readonly index: CheckpointIndex | undefined;
  readonly tensors: ReadonlyMap<
    string,
    { readonly dtype: SafetensorsDtype; readonly shape: readonly number[] }
  >;
  /** The bytes of a box, row-major, in a buffer of their own; of a checkpoint compared with their hashes. */
  readBox(name: string, box: Box): Uint8Array;
  close(): void;
}

/** Opens a file that ends in `.safetensors`, or a checkpoint. @throws CheckpointError if it is damaged. */
export function openSource(path: string, files: CheckpointFiles = nodeFiles): TensorSource {
  return path.endsWith(".safetensors") ? openPlain(path, files) : openCheckpoint(path, files);
}

function openCheckpoint(path: string, files: CheckpointFiles): TensorSource {
  const reader = new CheckpointReader(path, files);
  return {
    index: reader.index,
    tensors: new Map(Object.entries(reader.index.tensors)),
    readBox(name, box) {
      for (const { piece, isWhole } of reader.wantedPieces(name, box)) {
        if (!isWhole) reader.verifyPiece(name, piece);
      }
      return reader.readBox(name, box);
    },
    close: () => {
      reader.close();
    },
  };
}

function openPlain(path: string, files: CheckpointFiles): TensorSource {
  const file = SafetensorsFile.open(path, files);
  return {
    index: undefined,
    tensors: file.header.tensors,
    readBox(name, box) {
      const bytes = new Uint8Array(numElements(box.shape) * elementBytes(file.entry(name).dtype));
      file.readBox(name, box, bytes);
      return bytes;
    },
    close: () => {
      file.close();
    },
  };
}

/** The element types that float32 can be rounded to for export. */
export type ExportDtype = "F32" | "BF16" | "F16";

/** A box of a source's tensor, to be written; float32 in `dtype` if it is given, everything else as it is. */
export function exportBox(
  source: TensorSource,
  name: string,
  { box, dtype }: { readonly box?: Box; readonly dtype?: ExportDtype | undefined },
): TensorToWrite {
  const tensor = source.tensors.get(name);
  if (tensor === undefined)
    throw new CheckpointError(`exportBox: tensor "${name}" must be in the source; use one of its names.`);
  const part = box ?? wholeBox(tensor.shape);
  if (dtype === undefined || tensor.dtype !== "F32") {
    return { name, dtype: tensor.dtype, shape: part.shape, bytes: () => source.readBox(name, part) };
  }
  const bytes = (): Uint8Array => {
    const values = new Float32Array(source.readBox(name, part).buffer);
    return encodeElements(values, dtype, `tensor "${name}"`);
  };
  return { name, dtype, shape: part.shape, bytes };
}
