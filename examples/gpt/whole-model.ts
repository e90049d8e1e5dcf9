/**
 * A GPT that every rank runs from end to end.
 *
 * @packageDocumentation
 */
import {
  clipGradNorm,
  countParameters,
  crossEntropy,
  gradients,
  initialize,
  namedParameters,
  parameterHash,
  type AdamW,
  type GPT,
} from "@meshwright/core";
import { parallelGPT, reduceGradients, Shard, shard, type DeviceMesh } from "@meshwright/sharding";
import { dispose, tidy, type Scalar } from "@tensorflow/tfjs";
import type { TokenBatch } from "../data/token-dataset.ts";
import type { StepTiming, TrainOptions } from "./run-data.ts";
import { batchTensors, MAX_GRADIENT_NORM, type Trainer, type TrainMesh } from "./trainer.ts";

/** Where a model is, and which axes of the mesh split the batch. */
interface BatchSplit {
  readonly mesh: DeviceMesh;
  readonly batchAxes: readonly string[];
}

/** Builds and fills the model, data-parallel over `dp` and tensor-parallel over `tp`. */
export function wholeModel(mesh: TrainMesh, { model: sizes, seed }: TrainOptions): Trainer {
  const model = parallelGPT({ mesh, axis: "tp", ...sizes });
  initialize(model, { seed });
  return wholeTrainer(model, { mesh, batchAxes: ["dp"] });
}

/** Trains a model that is filled. The batch is split over `batchAxes`, which must be in the mesh's order. */
export function wholeTrainer(model: GPT, split: BatchSplit): Trainer {
  const lossOf = (batch: TokenBatch): Scalar => batchLoss(model, split, batch);
  return {
    model,
    parameters: namedParameters(model),
    numParameters: countParameters(model),
    parameterHash: () => parameterHash(model),
    step: (batch, optimizer) => trainStep({ model, optimizer, split }, () => lossOf(batch)),
    evaluate: (batch) => tidy(() => lossOf(batch).dataSync()[0]!),
    logits: (tokens) => model.apply(tokens),
    pipeline: undefined,
  };
}

/** Mean cross-entropy of a batch in nats per token. */
function batchLoss(model: GPT, { mesh, batchAxes }: BatchSplit, batch: TokenBatch): Scalar {
  const rows = Object.fromEntries(batchAxes.map((axis) => [axis, Shard(0)]));
  const [inputs, targets] = batchTensors(batch, model.contextLength).map((t) => shard(t, mesh, rows));
  return crossEntropy(model.apply(inputs!), targets!);
}

/** Returns the loss and where the time went. */
function trainStep(
  {
    model,
    optimizer,
    split: { mesh, batchAxes },
  }: { readonly model: GPT; readonly optimizer: AdamW; readonly split: BatchSplit },
  lossFn: () => Scalar,
): StepTiming {
  const start = performance.now();
  const { loss, grads } = gradients(model, lossFn);
  const afterBackward = performance.now();
  for (const axis of batchAxes) reduceGradients(grads, { mesh, axis });
  const clipped = clipGradNorm(grads, MAX_GRADIENT_NORM);
  optimizer.step(clipped.grads);
  const value = loss.dataSync()[0]!;
  dispose([loss, clipped.norm, ...grads.values(), ...clipped.grads.values()]);
  const end = performance.now();
  return {
    loss: value,
    gradientMs: afterBackward - start,
    updateMs: end - afterBackward,
    totalMs: end - start,
  };
}
