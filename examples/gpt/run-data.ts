/**
 * What goes into a training run and what comes out of it: plain, structured-cloneable data.
 *
 * @packageDocumentation
 */
import type { EngineName, LedgerTotal, WarmupCosineOptions } from "@meshwright/core";
import type { RankTimeline, Schedule } from "@meshwright/pipeline";

import type { StepCollective } from "./trace.ts";

/** Sizes of the model. */
export interface ModelSizes {
  readonly vocabSize: number;
  readonly contextLength: number;
  readonly features: number;
  readonly heads: number;
  readonly layers: number;
}

/** Options of `train.ts`; the same on every rank. */
export interface TrainOptions {
  readonly mesh: { readonly dp: number; readonly tp: number; readonly pp: number };
  /** How the batch goes through the stages on `pp`; undefined: whole, on every rank. */
  readonly pipeline: Schedule | undefined;
  /** The whole text; share the memory (`SharedArrayBuffer`), so that ranks do not copy it. */
  readonly tokens: Int32Array;
  readonly model: ModelSizes;
  /** Sequences per step, over all ranks. */
  readonly batchSize: number;
  readonly steps: number;
  readonly seed: number;
  readonly schedule: WarmupCosineOptions;
  /** Steps between validations; there is one after the last step in any case. */
  readonly validateEvery: number;
  readonly validationBatches: number;
  /** Where and how often the training is saved, and whether it goes on from what is there; undefined: not at all. */
  readonly checkpoints:
    { readonly dir: string; readonly every: number; readonly resume: boolean } | undefined;
  /** Tokens that the sample starts with. */
  readonly prompt: readonly number[];
  /** Tokens that the model adds. */
  readonly sampleTokens: number;
}

/** What rank 0 reports on the way. */
export type TrainUpdate =
  | { readonly kind: "step"; readonly step: number; readonly loss: number; readonly stepMs: number }
  | { readonly kind: "validation"; readonly step: number; readonly loss: number }
  | { readonly kind: "warning"; readonly message: string };

/** One training step on one rank. */
export interface StepTiming {
  /** Nats per token. */
  readonly loss: number;
  /** Forward and backward. */
  readonly gradientMs: number;
  /** Reduction of gradients, clipping, optimizer. */
  readonly updateMs: number;
  readonly totalMs: number;
}

/** A pipeline's work on one rank, in the last training step. */
export interface PipelineFacts {
  /** Position on `pp`. */
  readonly position: number;
  /** Whether the rank's coordinates on the other axes are 0. */
  readonly isFirstReplica: boolean;
  readonly timeline: RankTimeline;
  /** The most inputs of stages that waited for their backward pass. */
  readonly peakLive: number;
  /** The most bytes of activations that the rank kept for them. */
  readonly peakBytes: number;
}

/** What a rank returns. */
export interface TrainResult {
  /** The rank's host. */
  readonly host: string;
  readonly engine: EngineName;
  readonly parameters: number;
  /** Of the initial values; the same on every mesh. */
  readonly parameterHash: string;
  /** Of the values after the last step. */
  readonly finalHash: string;
  readonly losses: readonly number[];
  readonly validation: readonly { readonly step: number; readonly loss: number }[];
  readonly timings: readonly StepTiming[];
  /** Of one training step, validation not included. */
  readonly communication: readonly LedgerTotal[];
  /** Of the last training step, in order. */
  readonly collectives: readonly StepCollective[];
  /** Blocks of the model, and buckets of its gradients, on this rank. */
  readonly part: { readonly blocks: number; readonly buckets: number };
  /** Only where there is a pipeline. */
  readonly pipeline: PipelineFacts | undefined;
  /** Held by this rank after the last step. */
  readonly bytes: { readonly parameters: number; readonly optimizer: number; readonly live: number };
  /** Prompt and continuation. */
  readonly sample: readonly number[];
}
