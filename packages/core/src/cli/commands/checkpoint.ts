/**
 * `meshwright checkpoint`: look at checkpoints, check them, and make other files of them.
 *
 * @packageDocumentation
 */
import { existsSync } from "node:fs";
import { Command, Option } from "commander";
import { convertCheckpoint } from "../../checkpoint/convert.ts";
import { mergeCheckpoint } from "../../checkpoint/merge.ts";
import type { ExportDtype } from "../../checkpoint/tensor-source.ts";
import { verifyCheckpoint } from "../../checkpoint/verify-checkpoint.ts";
import { UsageError } from "../exit-code.ts";
import { formatBytes } from "../format-bytes.ts";
import { nonNegativeInteger, positiveInteger } from "../number-option.ts";
import { inspectCheckpoint } from "./checkpoint-inspect.ts";
import { createBar } from "./checkpoint-progress.ts";

const PATH = "a checkpoint, or a folder of checkpoints, of which the latest is taken";

interface ExportFlags {
  readonly dtype?: Lowercase<ExportDtype>;
}

/** The `checkpoint` command. */
export function checkpointCommand(): Command {
  return new Command("checkpoint")
    .description("inspect, verify, merge and convert checkpoints")
    .addCommand(inspectCommand())
    .addCommand(verifyCommand())
    .addCommand(mergeCommand())
    .addCommand(convertCommand());
}

function inspectCommand(): Command {
  return new Command("inspect")
    .description("print what a checkpoint holds")
    .argument("PATH", PATH)
    .option("--all", "list the optimizer's tensors too", false)
    .option("--json", "print the whole index as JSON", false)
    .action((path: string, flags: { readonly all: boolean; readonly json: boolean }) => {
      process.stdout.write(inspectCheckpoint(path, flags));
    });
}

function verifyCommand(): Command {
  return new Command("verify")
    .description("read every byte and compare the hashes; exit code 1 if something is wrong")
    .argument("PATH", PATH)
    .action((path: string) => {
      const bar = createBar(process.stderr);
      const onProgress = (done: number, total: number): void => {
        bar.update(done, total, `${formatBytes(done)} of ${formatBytes(total)}`);
      };
      const start = performance.now();
      const verified = bar.run(() => verifyCheckpoint(path, { onProgress }));
      const seconds = (performance.now() - start) / 1000;
      const rate = formatBytes(verified.bytes / seconds);
      process.stdout.write(
        `${verified.folder}: ${verified.numTensors} tensors in ${verified.numPieces} pieces are whole (${formatBytes(verified.bytes)} in ${seconds.toFixed(2)} s, ${rate}/s)\n`,
      );
    });
}

function dtypeOption(): Option {
  return new Option("--dtype <name>", "round float32 parameters to 16 bits").choices(["f32", "bf16", "f16"]);
}

function exportDtype({ dtype }: ExportFlags): ExportDtype | undefined {
  return dtype?.toUpperCase() as ExportDtype | undefined;
}

function mergeCommand(): Command {
  return new Command("merge")
    .description("write one plain safetensors file of whole tensors")
    .argument("PATH", PATH)
    .argument("FILE", "the file to write")
    .addOption(dtypeOption())
    .option("--with-optimizer", "the optimizer's tensors too", false)
    .option("--force", "replace an existing file", false)
    .action((path: string, file: string, flags: ExportFlags & { withOptimizer: boolean; force: boolean }) => {
      if (existsSync(file) && !flags.force) {
        throw new UsageError(
          `meshwright checkpoint merge: file (${file}) must not exist yet; use another name, or --force.`,
        );
      }
      const bar = createBar(process.stderr);
      const onTensor = (done: number, total: number): void => {
        bar.update(done, total, `${done} of ${total} tensors`);
      };
      const { withOptimizer } = flags;
      const written = bar.run(() =>
        mergeCheckpoint(path, file, { dtype: exportDtype(flags), withOptimizer, onTensor }),
      );
      process.stdout.write(`${file}: ${written.sha256.size} tensors, ${formatBytes(written.bytes)}\n`);
    });
}

interface ConvertFlags extends ExportFlags {
  readonly files: number;
  readonly step?: number;
}

function convertCommand(): Command {
  return new Command("convert")
    .description("write a checkpoint with another number of files or other element types")
    .argument("SOURCE", `${PATH}; or a .safetensors file`)
    .argument("DIR", "the folder of checkpoints to write to")
    .option("--files <n>", "files of the new checkpoint", positiveInteger, 1)
    .addOption(dtypeOption())
    .option(
      "--step <n>",
      "step of the new checkpoint (default: that of the source, 0 of a file)",
      nonNegativeInteger,
    )
    .action((source: string, dir: string, flags: ConvertFlags) => {
      const bar = createBar(process.stderr);
      const onTensor = (done: number, total: number): void => {
        bar.update(done, total, `${done} of ${total} tensors`);
      };
      const options = { numFiles: flags.files, dtype: exportDtype(flags), step: flags.step, onTensor };
      const folder = bar.run(() => convertCheckpoint(source, dir, options));
      const { numTensors, bytes } = verifyCheckpoint(folder);
      process.stdout.write(
        `${folder}: ${numTensors} tensors in ${flags.files} file${flags.files === 1 ? "" : "s"}, ${formatBytes(bytes)}\n`,
      );
    });
}
