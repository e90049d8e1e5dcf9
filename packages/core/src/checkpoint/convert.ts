/**
 * Makes a checkpoint of another one, or of a plain safetensors file: other files, other element types.
 *
 * @packageDocumentation
 */
import { numElements, wholeBox, type Box } from "./box.ts";
import { abandonSave, beginSave, commitSave, writePart, type PieceToWrite } from "./commit.ts";
import type { CheckpointFacts } from "./checkpoint-index.ts";
import { elementBytes, type SafetensorsDtype } from "./dtype.ts";
import { nodeFiles, type CheckpointFiles } from "./files.ts";
import { exportBox, openSource, type ExportDtype, type TensorSource } from "./tensor-source.ts";

/** What to write. */
export interface ConvertOptions {
  /** Default 1. */
  readonly numFiles?: number;
  /** Round float32 parameters to 16 bits; the optimizer's state stays as it is. Default: all as it is. */
  readonly dtype?: ExportDtype | undefined;
  /** The step that the checkpoint is of; default: that of the source, 0 of a plain file. */
  readonly step?: number | undefined;
  readonly files?: CheckpointFiles;
  readonly onTensor?: (done: number, total: number) => void;
}

/** Smaller tensors stay whole: more pieces would cost more than even files save. */
const MIN_SPLIT_BYTES = 2 ** 16;

/**
 * Writes a checkpoint with the tensors of `path` into the folder `dir`, which may hold others, and returns its folder. Large
 * tensors are cut into rows over all files. Step, optimizer, random state and the program's own facts are kept.
 *
 * @example
 * ```ts
 * convertCheckpoint("model.safetensors", "checkpoints", { numFiles: 4 }); // "checkpoints/step-00000000"
 * ```
 * @throws CheckpointError that names the tensor, if the source is damaged or the files cannot be written.
 */
export function convertCheckpoint(path: string, dir: string, options: ConvertOptions = {}): string {
  const { numFiles = 1, dtype, files = nodeFiles, onTensor } = options;
  const source = openSource(path, files);
  try {
    const facts = factsOf(source, options.step);
    const parts = shareOut(source, { numFiles, dtype, onTensor });
    const target = beginSave(files, dir, facts.step);
    try {
      for (const [part, pieces] of parts.entries()) {
        const { optimizer = null, random = null } = source.index ?? {};
        writePart(files, target, { part, numParts: numFiles, pieces, optimizer, random });
      }
      return commitSave(files, target, { numParts: numFiles, facts });
    } catch (error) {
      abandonSave(files, target);
      throw error;
    }
  } finally {
    source.close();
  }
}

function factsOf({ index }: TensorSource, step: number | undefined): CheckpointFacts {
  if (index === undefined) {
    return { step: step ?? 0, mesh: {}, configHash: null, dataPosition: null, extra: null };
  }
  const { mesh, configHash, dataPosition, extra } = index;
  return { step: step ?? index.step, mesh, configHash, dataPosition, extra };
}

/** Whole tensors go to the file that has least so far. */
function shareOut(
  source: TensorSource,
  {
    numFiles,
    dtype,
    onTensor,
  }: Pick<ConvertOptions, "dtype"> & {
    readonly numFiles: number;
    readonly onTensor: ConvertOptions["onTensor"] | undefined;
  },
): readonly (readonly PieceToWrite[])[] {
  const parts = Array.from({ length: numFiles }, (): PieceToWrite[] => []);
  const loads = new Array<number>(numFiles).fill(0);
  const total = source.tensors.size;
  const seen = new Set<string>();
  for (const [name, tensor] of source.tensors) {
    const exported = name.startsWith("optimizer.") ? undefined : dtype;
    const boxes = boxesOf(tensor, numFiles);
    for (const [i, box] of boxes.entries()) {
      const file = boxes.length > 1 ? i : loads.indexOf(Math.min(...loads));
      loads[file]! += numElements(box.shape);
      const piece = exportBox(source, name, { box, dtype: exported });
      const bytes = (): Uint8Array => {
        onTensor?.(seen.add(name).size, total);
        return piece.bytes();
      };
      parts[file]!.push({ ...piece, bytes, offset: box.offset, globalShape: tensor.shape });
    }
  }
  return parts;
}

/** Rows `r * ceil(n / p)` and on for file `r`, or one box if the tensor is small. */
function boxesOf(
  { dtype, shape }: { readonly dtype: SafetensorsDtype; readonly shape: readonly number[] },
  numFiles: number,
): readonly Box[] {
  const [rows = 1] = shape;
  if (numElements(shape) === 0) return [];
  if (numElements(shape) * elementBytes(dtype) < MIN_SPLIT_BYTES || rows < numFiles) return [wholeBox(shape)];
  const height = Math.ceil(rows / numFiles);
  return Array.from({ length: numFiles }, (_, file) => {
    const start = Math.min(rows, file * height);
    const size = Math.min(rows, start + height) - start;
    return { shape: [size, ...shape.slice(1)], offset: [start, ...shape.slice(1).map(() => 0)] };
  }).filter(({ shape: [size] }) => size! > 0);
}
