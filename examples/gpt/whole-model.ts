/**
 * A GPT that every rank runs from end to end, data-parallel over `dp` and tensor-parallel over `tp`.
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
import { parallelGPT, reduceGradients, Shard, shard } from "@meshwright/sharding";
import { dispose, tidy, type Scalar } from "@tensorflow/tfjs";
import type { TokenBatch } from "../data/token-dataset.ts";
import type { StepTiming, TrainOptions } from "./run-data.ts";
import { batchTensors, MAX_GRADIENT_NORM, type Trainer, type TrainMesh } from "./trainer.ts";

/** Builds and fills the model. */
export function wholeModel(mesh: TrainMesh, { model: sizes, seed }: TrainOptions): Trainer {
  const model = parallelGPT({ mesh, axis: "tp", ...sizes });
  initialize(model, { seed });
  const lossOf = (batch: TokenBatch): Scalar => batchLoss(model, mesh, batch);
  return {
    model,
    parameters: namedParameters(model),
    numParameters: countParameters(model),
    parameterHash: () => parameterHash(model),
    step: (batch, optimizer) => trainStep({ model, mesh, optimizer }, () => lossOf(batch)),
    evaluate: (batch) => tidy(() => lossOf(batch).dataSync()[0]!),
    logits: (tokens) => model.apply(tokens),
    pipeline: undefined,
  };
}

/** Mean cross-entropy of a batch in nats per token. The batch is split over `dp`. */
function batchLoss(model: GPT, mesh: TrainMesh, batch: TokenBatch): Scalar {
  const [inputs, targets] = batchTensors(batch, model.contextLength).map((t) =>
    shard(t, mesh, { dp: Shard(0) }),
  );
  return crossEntropy(model.apply(inputs!), targets!);
}

/** Returns the loss and where the time went. */
function trainStep(
  { model, mesh, optimizer }: { readonly model: GPT; readonly mesh: TrainMesh; readonly optimizer: AdamW },
  lossFn: () => Scalar,
): StepTiming {
  const start = performance.now();
  const { loss, grads } = gradients(model, lossFn);
  const afterBackward = performance.now();
  reduceGradients(grads, { mesh, axis: "dp" });
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
