/**
 * The figures of the data-parallel benchmark as Markdown tables.
 *
 * @packageDocumentation
 */
import {
  FLOAT32_ADAM,
  memoryTable,
  MIXED_PRECISION_ADAM,
  MIXED_PRECISION_ADAM_FLOAT32_GRADIENTS,
} from "@meshwright/sharding";
import type { Summary } from "../statistics.ts";
import type { DataParallelBenchResult, TrainingFigure } from "./run.ts";

/** Tables of the reduction, of the steps, and of the bytes that a rank holds. */
export function dataParallelReport(result: DataParallelBenchResult): string {
  const { engine, ranks, rows, sizes, numTensors, numParameters, reductions, trainings, formula } = result;
  const title = `GPT of ${numParameters.toLocaleString("en-US")} parameters in ${numTensors} tensors (features ${sizes.features}, layers ${sizes.layers}), ${rows} sequences of ${sizes.contextLength} tokens, ${ranks} ranks on ${engine}`;
  const reductionTable = table(
    ["reduction of all gradients", "ms, median", "fastest", "processor ms, median", "fastest"],
    reductions.map(({ bucketBytes, wallMs, cpuMs }) => [
      bucketBytes === 1 ? "one by one" : `buckets of ${bucketBytes / 1024} KiB`,
      ...times(wallMs, 2),
      ...times(cpuMs, 2),
    ]),
  );
  const stepTable = table(
    [
      ...["training", "step ms, median", "fastest", "processor ms, median", "fastest"],
      ...["collectives per step", "MB sent per rank and step"],
    ],
    trainings.map((training) => [
      training.name,
      ...times(training.wallMs, 1),
      ...times(training.cpuMs, 1),
      String(calls(training)),
      (bytesSent(training) / 1e6).toFixed(2),
    ]),
  );
  const plain = trainings.find(({ name }) => name === "in buckets")!;
  const byStage = [plain, ...trainings.filter(({ name }) => name.startsWith("stage"))];
  const bytesTable = table(
    ["stage", "parameters", "formula", "gradients", "formula", "optimizer", "formula"],
    byStage.map(({ bytes }, stage) => {
      const row = formula[stage]!;
      return [
        String(stage),
        ...(["parameters", "gradients", "optimizer"] as const).flatMap((kind) => [
          megabytes(bytes[kind]),
          megabytes(row[kind]),
        ]),
      ];
    }),
  );
  return [title, reductionTable, stepTable, `MB per rank, after the backward pass:\n\n${bytesTable}`].join(
    "\n\n",
  );
}

/** The formula for a model that no rank here could hold. */
export function formulaReport(parameters: number, ranks: number): string {
  const counted = {
    "2 + 2 + 12 bytes": MIXED_PRECISION_ADAM,
    "2 + (2 + 4) + 12 bytes": MIXED_PRECISION_ADAM_FLOAT32_GRADIENTS,
    "4 + 4 + 8 bytes (float32)": FLOAT32_ADAM,
  };
  const gigabytes = (bytes: number): string => (bytes / 1e9).toFixed(1);
  const rows = Object.entries(counted).flatMap(([name, bytesPerParameter]) =>
    memoryTable({ parameters, ranks, bytesPerParameter }).map((row) => [
      ...(row.stage === 0 ? [name] : [""]),
      ...[String(row.stage), gigabytes(row.parameters), gigabytes(row.gradients)],
      ...[gigabytes(row.optimizer), gigabytes(row.total)],
    ]),
  );
  const header = ["per parameter", "stage", "parameters", "gradients", "optimizer", "total"];
  return `GB per rank, ${parameters.toExponential()} parameters on ${ranks} ranks:\n\n${table(header, rows)}`;
}

function times({ median, min }: Summary, digits: number): string[] {
  return [median.toFixed(digits), min.toFixed(digits)];
}

function calls({ communication }: TrainingFigure): number {
  return communication.reduce((sum, total) => sum + total.calls, 0);
}

function bytesSent({ communication }: TrainingFigure): number {
  return communication.reduce((sum, total) => sum + total.bytesSent, 0);
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(3);
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(header), line(header.map(() => "---")), ...rows.map(line)].join("\n");
}
