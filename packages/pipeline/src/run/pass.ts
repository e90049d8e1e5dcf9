/**
 * What the passes over a pipeline have in common: their surroundings, and the inputs of their stages.
 *
 * @packageDocumentation
 */
import { ContractError, type ProcessGroup } from "@meshwright/core";
import { shard, type DeviceMesh, type PlacementSpec } from "@meshwright/sharding";
import { tidy, type Scalar, type Tensor } from "@tensorflow/tfjs";
import { takeRows, type MicroBatch } from "../micro-batch.ts";
import type { Action } from "../schedule.ts";
import type { Stage } from "../stage.ts";
import type { StageMail } from "./stage-mail.ts";

/** The mean loss of a micro-batch. */
export type PipelineLoss = (output: Tensor, target: Tensor) => Scalar;

/** A rank's part of a pipeline. */
export interface PipelineParts {
  /** The mesh of this rank's stages. */
  readonly stageMesh: DeviceMesh;
  /** Ranks that differ only in their stages. */
  readonly group: ProcessGroup;
  /** This rank's stages by index. */
  readonly stages: ReadonlyMap<number, Stage>;
  /** p * v. */
  readonly numStages: number;
  readonly loss: PipelineLoss;
  /** How batches and targets lie on the mesh of a stage. */
  readonly placements: PlacementSpec;
}

/** What one pass works on. */
export interface PassData {
  readonly batch: Tensor;
  readonly microBatches: readonly MicroBatch[];
  readonly mail: StageMail;
}

/** Does a rank's actions. */
export interface Pass {
  readonly mail: StageMail;
  /** Before an action, and outside of its time: what is wrong with its input. @throws ContractError */
  check(action: Action, stage: number): void;
  run(action: Action, stage: number): void;
  /** Frees everything, after an error. */
  dispose(): void;
}

/** The rows of a micro-batch on the mesh of the stage. The caller owns them. */
export function placeRows(t: Tensor, microBatch: MicroBatch, parts: PipelineParts): Tensor {
  return tidy(() => shard(takeRows(t, microBatch), parts.stageMesh, parts.placements));
}

/** The input of a stage. The caller owns it. */
export function takeInput(data: PassData, parts: PipelineParts, { stage, microBatch }: StageInput): Tensor {
  return stage === 0
    ? placeRows(data.batch, data.microBatches[microBatch]!, parts)
    : data.mail.take({ payload: "activation", stage, microBatch });
}

/** Which stage, and which of its micro-batches. */
export interface StageInput {
  readonly stage: number;
  readonly microBatch: number;
}

/** @throws ContractError if the first layer of the stage says that it takes another shape. */
export function requireInputShape(stage: Stage, microBatch: number, shape: readonly number[]): void {
  const { name, inputShape } = stage.layers[0]!;
  if (inputShape === undefined) return;
  const rest = shape.slice(1);
  const fits =
    rest.length === inputShape.length &&
    inputShape.every((size, dim) => size === undefined || size === rest[dim]);
  if (fits) return;
  const wanted = ["rows", ...inputShape.map((size) => size ?? "any")].join(", ");
  throw new ContractError(
    `Pipeline: input of stage ${stage.index} (shape [${shape.join(", ")}], micro-batch ${microBatch}) must have the shape [${wanted}] that its first layer ("${name}") takes; use layers whose outputs fit the next one's inputs.`,
  );
}

/** @throws ContractError if the loss is not one number. */
export function requireScalar(loss: Tensor): void {
  if (loss.shape.length === 0) return;
  throw new ContractError(
    `Pipeline: loss (shape [${loss.shape.join(", ")}]) must be a scalar, the mean over the micro-batch; use tf.mean.`,
  );
}
