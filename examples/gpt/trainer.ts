/**
 * What the training loop needs of a model, whole or cut into stages.
 *
 * @packageDocumentation
 */
import type { AdamW, Parameter } from "@meshwright/core";
import type { DeviceMesh } from "@meshwright/sharding";
import { tensor2d, type Tensor, type Tensor2D } from "@tensorflow/tfjs";
import type { TokenBatch } from "../data/token-dataset.ts";
import type { PipelineFacts, StepTiming } from "./run-data.ts";

/** The axes of the example. */
export type TrainMesh = DeviceMesh<{ readonly dp: number; readonly pp: number; readonly tp: number }>;

/** A model that can be trained. All methods are collectives. */
export interface Trainer {
  /** The model; its random layers count their calls. */
  readonly model: object;
  /** Of this rank, filled. */
  readonly parameters: ReadonlyMap<string, Parameter>;
  /** Of the whole model, in the global view. */
  readonly numParameters: number;
  /** Of the whole model. */
  parameterHash(): string;
  /** Forward, backward, clip, update. */
  step(batch: TokenBatch, optimizer: AdamW): StepTiming;
  /** Mean cross-entropy of a batch, in nats per token. */
  evaluate(batch: TokenBatch): number;
  /** `[B, T] -> [B, T, V]`. The caller's scope owns the result. */
  logits(tokens: Tensor2D): Tensor;
  /** Of the last step. */
  readonly pipeline: PipelineFacts | undefined;
}

/** Largest norm of the gradients. */
export const MAX_GRADIENT_NORM = 1;

/** Inputs and targets as `[B, T]`, the same on every rank. The caller owns them. */
export function batchTensors({ inputs, targets }: TokenBatch, contextLength: number): [Tensor2D, Tensor2D] {
  const shape: [number, number] = [inputs.length / contextLength, contextLength];
  return [tensor2d(inputs, shape, "int32"), tensor2d(targets, shape, "int32")];
}
