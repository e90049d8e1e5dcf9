/**
 * Makes one plain safetensors file of whole tensors, for programs that know nothing of checkpoints.
 *
 * @packageDocumentation
 */
import { nodeFiles, type CheckpointFiles } from "./files.ts";
import { exportBox, openSource, type ExportDtype } from "./tensor-source.ts";
import { writeSafetensors, type WrittenFile } from "./write-safetensors.ts";

/** How the names of an optimizer's tensors begin. */
const OPTIMIZER_PREFIX = "optimizer.";

/** What to write. */
export interface MergeOptions {
  /** Round float32 to 16 bits. Default: as it is. */
  readonly dtype?: ExportDtype | undefined;
  /** The optimizer's tensors too. Default: parameters only. */
  readonly withOptimizer?: boolean;
  readonly files?: CheckpointFiles;
  readonly onTensor?: (done: number, total: number) => void;
}

/**
 * Writes the tensors of a checkpoint into `file`, one tensor in memory at a time. The hashes of the pieces are checked.
 *
 * @example
 * ```ts
 * mergeCheckpoint("checkpoints", "model.safetensors", { dtype: "BF16" });
 * ```
 * @throws CheckpointError that names the tensor, if the checkpoint is damaged or the file cannot be written.
 */
export function mergeCheckpoint(path: string, file: string, options: MergeOptions = {}): WrittenFile {
  const { dtype, withOptimizer = false, files = nodeFiles, onTensor } = options;
  const source = openSource(path, files);
  const writing = `${file}.writing`;
  try {
    const names = [...source.tensors.keys()].filter(
      (name) => withOptimizer || !name.startsWith(OPTIMIZER_PREFIX),
    );
    let done = 0;
    const tensors = names.map((name) => {
      const tensor = exportBox(source, name, { dtype });
      const bytes = (): Uint8Array => {
        onTensor?.(++done, names.length);
        return tensor.bytes();
      };
      return { ...tensor, bytes };
    });
    const { index } = source;
    const metadata = index === undefined ? {} : { step: String(index.step) };
    const written = writeSafetensors(writing, tensors, { metadata: { format: "pt", ...metadata }, files });
    files.rename(writing, file);
    return written;
  } catch (error) {
    files.remove(writing);
    throw error;
  } finally {
    source.close();
  }
}
