/**
 * What a finished run says: on the terminal, as JSON, and in the report.
 *
 * @packageDocumentation
 */
import type { LedgerTotal } from "@meshwright/core";
import os from "node:os";
import type { CommunicationRow, ReportData } from "../report/report-data.ts";
import type { GPTCommandOptions } from "./command.ts";
import { predictDataParallel, predictTensorParallel } from "./predict-communication.ts";
import type { StepTiming, TrainOptions, TrainResult } from "./run-data.ts";

/** A finished run. */
export interface FinishedRun {
  readonly options: GPTCommandOptions;
  readonly trainOptions: TrainOptions;
  /** Of every rank. */
  readonly results: readonly TrainResult[];
  /** Cross-entropy of the validation text under unigram frequencies, in nats per token. */
  readonly entropy: number;
  readonly decode: (tokens: Iterable<number>) => string;
}

/** The file that `--json` writes. */
export interface GPTJson {
  readonly engine: string;
  readonly mesh: Readonly<Record<string, number>>;
  readonly ranks: number;
  readonly parameters: number;
  /** One per step, nats per token. */
  readonly losses: readonly number[];
  readonly validationLoss: number;
  readonly unigramEntropy: number;
  readonly tokensPerSecond: number;
  /** Median. */
  readonly stepMs: number;
  /** Bytes sent by rank 0, by axis and collective. */
  readonly bytesPerStep: ByAxis;
  readonly callsPerStep: ByAxis;
  readonly liveBytesPerRank: readonly number[];
  /** SHA-256 over names, global shapes and initial global values. */
  readonly parameterHash: string;
}

type ByAxis = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** Builds the contents of the `--json` file. */
export function jsonResult(run: FinishedRun): GPTJson {
  const first = run.results[0]!;
  const { stepMs, tokensPerSecond } = pace(run);
  return {
    engine: first.engine,
    mesh: run.options.mesh,
    ranks: run.options.ranks,
    parameters: first.parameters,
    losses: first.losses,
    validationLoss: first.validation.at(-1)!.loss,
    unigramEntropy: run.entropy,
    tokensPerSecond,
    stepMs,
    bytesPerStep: byAxis(first.communication, (total) => total.bytesSent),
    callsPerStep: byAxis(first.communication, (total) => total.calls),
    liveBytesPerRank: run.results.map(({ bytes }) => bytes.live),
    parameterHash: first.parameterHash,
  };
}

/** Prints losses, pace, communication, memory and the sample. */
export function printResult(run: FinishedRun): void {
  const json = jsonResult(run);
  const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(2)} MiB`;
  const lines = [
    `validation loss ${json.validationLoss.toFixed(4)} nats per character; knowing only the frequencies of characters: ${json.unigramEntropy.toFixed(4)}`,
    `${json.parameters.toLocaleString("en-US")} parameters, ${Math.round(json.tokensPerSecond).toLocaleString("en-US")} tokens/s, median step ${json.stepMs.toFixed(0)} ms`,
    ...communicationRows(run).map(
      ({ axis, collective, callsPerStep, bytesPerStep }) =>
        `${axis}: ${callsPerStep} ${collective} per step, ${mebibytes(bytesPerStep)} sent per rank`,
    ),
    ...run.results.map(
      ({ bytes }, rank) =>
        `rank ${rank} holds ${mebibytes(bytes.parameters)} of parameters and ${mebibytes(bytes.optimizer)} of optimizer state`,
    ),
    "",
    run.decode(run.results[0]!.sample),
    "",
  ];
  console.log(lines.join("\n"));
}

/** Builds the data of the HTML report. */
export function reportData(run: FinishedRun): ReportData {
  const { options, trainOptions, results } = run;
  const first = results[0]!;
  const { stepMs, tokensPerSecond } = pace(run);
  const continuation = first.sample.slice(trainOptions.prompt.length);
  return {
    title: "GPT on Moby-Dick",
    command: `pnpm start ${process.argv.slice(2).join(" ")}`.trim(),
    config: {
      mesh: Object.entries(options.mesh)
        .map(([axis, size]) => `${axis}=${size}`)
        .join(", "),
      parameters: first.parameters,
      ...trainOptions.model,
      batchSize: trainOptions.batchSize,
      steps: options.steps,
      learningRate: options.extra.learningRate,
      seed: options.seed,
    },
    losses: first.losses,
    validation: first.validation,
    unigramEntropy: run.entropy,
    communication: communicationRows(run),
    memory: results.map(({ bytes }, rank) => ({
      rank,
      parameters: bytes.parameters,
      optimizer: bytes.optimizer,
      other: bytes.live - bytes.parameters - bytes.optimizer,
    })),
    sample: { prompt: run.decode(trainOptions.prompt), continuation: run.decode(continuation) },
    tokensPerSecond,
    stepMs,
    stepBreakdown: [
      { name: "forward and backward", ms: median(first.timings.map((t) => t.gradientMs)) },
      { name: "gradient reduction, clipping, AdamW", ms: median(first.timings.map((t) => t.updateMs)) },
    ],
    environment: {
      engine: first.engine,
      node: process.version,
      machine: `${os.cpus().length} x ${os.cpus()[0]?.model ?? "cpu"}`,
      date: new Date().toISOString().slice(0, 10),
      parameterHash: first.parameterHash,
    },
  };
}

/** Rank 0's communication per step, beside what the formulas say. */
function communicationRows({ trainOptions, results }: FinishedRun): CommunicationRow[] {
  const { mesh, model, batchSize } = trainOptions;
  const { communication, bytes } = results[0]!;
  // A rank with a short last shard sends what its own shard needs; the formulas take the first rank's.
  const tokens = Math.ceil(batchSize / mesh.dp) * model.contextLength;
  const numTensors = numParameterTensors(model.layers);
  const predictions = new Map([
    ["tp", predictTensorParallel(model, { tp: mesh.tp, tokens })],
    ["dp", predictDataParallel({ dp: mesh.dp, numTensors, parameterBytes: bytes.parameters })],
  ]);
  return communication.map(({ group, collective, calls, bytesSent }) => {
    const predicted = predictions.get(group);
    return {
      axis: group,
      collective,
      callsPerStep: calls,
      bytesPerStep: bytesSent,
      ...(predicted && collective === "allReduce" && { predicted }),
    };
  });
}

/** Per block 2 norms of 2 tensors and 6 linear layers of 2; two embeddings, the final norm, the head. */
function numParameterTensors(layers: number): number {
  return layers * (2 * 2 + 6 * 2) + 2 + 2 + 1;
}

function pace({ trainOptions, results }: FinishedRun): { stepMs: number; tokensPerSecond: number } {
  const stepMs = median(results[0]!.timings.map((timing: StepTiming) => timing.totalMs));
  const tokens = trainOptions.batchSize * trainOptions.model.contextLength;
  return { stepMs, tokensPerSecond: (1000 * tokens) / stepMs };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

function byAxis(totals: readonly LedgerTotal[], value: (total: LedgerTotal) => number): ByAxis {
  const axes: Record<string, Record<string, number>> = {};
  for (const total of totals) (axes[total.group] ??= {})[total.collective] = value(total);
  return axes;
}
