/**
 * What a finished run says: on the terminal, as JSON, and in the report.
 *
 * @packageDocumentation
 */
import type { LedgerTotal } from "@meshwright/core";
import { bubbleReport } from "@meshwright/pipeline";
import os from "node:os";
import type { Book } from "../data/book.ts";
import type { CommunicationRow, ReportData } from "../report/report-data.ts";
import type { TimelineData } from "../report/timeline-data.ts";
import { median } from "./median.ts";
import type { Predicted } from "./predict-communication.ts";
import type { StepTiming, TrainOptions, TrainResult } from "./run-data.ts";
import { timelinesOf } from "./timelines.ts";

/** A finished run. */
export interface FinishedRun {
  readonly options: {
    readonly mesh: Readonly<Record<string, number>>;
    readonly ranks: number;
    readonly steps: number;
    readonly seed: number;
    readonly extra: { readonly learningRate: number };
  };
  readonly trainOptions: TrainOptions;
  /** Of every rank. */
  readonly results: readonly TrainResult[];
  readonly book: Book;
  /** Communication by the formulas, by `"axis collective"`. */
  readonly predictions: ReadonlyMap<string, Predicted>;
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
  /** The same of the values after the last step. */
  readonly finalParameterHash: string;
  /** The last training step of a pipeline; left out without one. */
  readonly pipeline?: PipelineJson;
}

/** A pipeline in the `--json` file. */
export interface PipelineJson {
  readonly schedule: string;
  readonly microBatches: number;
  readonly chunks: number;
  readonly recompute: boolean;
  /** From the first action to the end of the last one. */
  readonly makespanMs: number;
  /** Idle share of all ranks' time. */
  readonly bubbleGlobal: number;
  /** What the simulation says from the measured times of the actions. */
  readonly predictedMakespanMs: number;
  /** Inputs of stages and bytes of activations that each rank kept at most. */
  readonly peakLivePerRank: readonly number[];
  readonly peakActivationBytesPerRank: readonly number[];
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
    unigramEntropy: run.book.entropy,
    tokensPerSecond,
    stepMs,
    bytesPerStep: byAxis(first.communication, (total) => total.bytesSent),
    callsPerStep: byAxis(first.communication, (total) => total.calls),
    liveBytesPerRank: run.results.map(({ bytes }) => bytes.live),
    parameterHash: first.parameterHash,
    finalParameterHash: first.finalHash,
    ...pipelineJson(run),
  };
}

function pipelineJson({ trainOptions, results }: FinishedRun): { readonly pipeline?: PipelineJson } {
  const schedule = trainOptions.pipeline;
  const timelines = timelinesOf(schedule, results);
  if (schedule === undefined || timelines?.predicted === undefined) return {};
  return {
    pipeline: {
      schedule: schedule.name,
      microBatches: schedule.numMicroBatches,
      chunks: schedule.stages[0]!.length,
      recompute: schedule.recompute,
      makespanMs: timelines.measured.makespan,
      bubbleGlobal: bubbleReport(timelines.measured).bubbleGlobal,
      predictedMakespanMs: timelines.predicted.makespan,
      peakLivePerRank: results.map(({ pipeline }) => pipeline!.peakLive),
      peakActivationBytesPerRank: results.map(({ pipeline }) => pipeline!.peakBytes),
    },
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
    run.book.vocabulary.decode(run.results[0]!.sample),
    "",
  ];
  console.log(lines.join("\n"));
}

/** Builds the data of the HTML report. `command` is the one without its options. */
export function reportData(
  run: FinishedRun,
  { title, command }: { readonly title: string; readonly command: string },
): ReportData & TimelineData {
  const { options, trainOptions, results } = run;
  const first = results[0]!;
  const { stepMs, tokensPerSecond } = pace(run);
  const timelines = timelinesOf(trainOptions.pipeline, results);
  const continuation = first.sample.slice(trainOptions.prompt.length);
  return {
    title,
    command: `${command} ${process.argv.slice(2).join(" ")}`.trim(),
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
    unigramEntropy: run.book.entropy,
    ...(timelines && { timelines }),
    communication: communicationRows(run),
    memory: results.map(({ bytes }, rank) => ({
      rank,
      parameters: bytes.parameters,
      optimizer: bytes.optimizer,
      other: bytes.live - bytes.parameters - bytes.optimizer,
    })),
    sample: {
      prompt: run.book.vocabulary.decode(trainOptions.prompt),
      continuation: run.book.vocabulary.decode(continuation),
    },
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
function communicationRows(run: FinishedRun): CommunicationRow[] {
  return run.results[0]!.communication.map(({ group, collective, calls, bytesSent }) => {
    const predicted = run.predictions.get(`${group} ${collective}`);
    return {
      axis: group,
      collective,
      callsPerStep: calls,
      bytesPerStep: bytesSent,
      ...(predicted && { predicted }),
    };
  });
}

function pace({ trainOptions, results }: FinishedRun): { stepMs: number; tokensPerSecond: number } {
  const stepMs = median(results[0]!.timings.map((timing: StepTiming) => timing.totalMs));
  const tokens = trainOptions.batchSize * trainOptions.model.contextLength;
  return { stepMs, tokensPerSecond: (1000 * tokens) / stepMs };
}

function byAxis(totals: readonly LedgerTotal[], value: (total: LedgerTotal) => number): ByAxis {
  const axes: Record<string, Record<string, number>> = {};
  for (const total of totals) (axes[total.group] ??= {})[total.collective] = value(total);
  return axes;
}
