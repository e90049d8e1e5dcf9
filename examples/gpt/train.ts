/**
 * What every rank runs: trains a GPT, data-parallel over `dp` and tensor-parallel over `tp`.
 *
 * @packageDocumentation
 */
import {
  AdamW,
  clipGradNorm,
  countParameters,
  crossEntropy,
  defineProgram,
  gradients,
  initialize,
  namedParameters,
  noDecayForVectors,
  parameterHash,
  warmupCosine,
  type GPT,
} from "@meshwright/core";
import {
  countCommunication,
  createMesh,
  liveBytes,
  localBytes,
  parallelGPT,
  Shard,
  shard,
  type Communication,
  type DeviceMesh,
} from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";
import { tokenDataset, type TokenBatch } from "../data/token-dataset.ts";
import { generate } from "./generate.ts";
import type { StepTiming, TrainOptions, TrainResult, TrainUpdate } from "./run-data.ts";

type TrainMesh = DeviceMesh<{ readonly dp: number; readonly tp: number }>;

export default defineProgram<TrainOptions, TrainUpdate, TrainResult>(({ world, options, report }) => {
  const mesh = createMesh(world, { dp: options.mesh.dp, tp: options.mesh.tp });
  const dataset = tokenDataset(options.tokens);
  const { model: sizes, batchSize, steps, seed } = options;
  const shape = { batchSize, contextLength: sizes.contextLength };

  const model = parallelGPT({ mesh, axis: "tp", ...sizes });
  initialize(model, { seed });
  const initialHash = parameterHash(model);
  const optimizer = new AdamW(namedParameters(model), {
    learningRate: warmupCosine(options.schedule),
    betas: [0.9, 0.95],
    weightDecay: 0.1,
    groups: [noDecayForVectors],
  });

  const evaluate = (): number => {
    const batches = dataset.validationBatches({ ...shape, numBatches: options.validationBatches });
    const losses = batches.map((batch) =>
      tf.tidy(() => batchLoss(model, mesh, batch, sizes.contextLength).dataSync()[0]!),
    );
    return losses.reduce((a, b) => a + b, 0) / losses.length;
  };

  const losses: number[] = [];
  const validation: { step: number; loss: number }[] = [];
  const timings: StepTiming[] = [];
  let communication: Communication<StepTiming>["totals"] = [];
  for (let step = 1; step <= steps; step++) {
    const batch = dataset.batchAt(step - 1, { ...shape, seed });
    const counted = countCommunication(world, () =>
      trainStep(model, optimizer, mesh, batch, sizes.contextLength),
    );
    communication = counted.totals;
    losses.push(counted.result.loss);
    timings.push(counted.result);
    if (world.rank === 0)
      report({ kind: "step", step, loss: counted.result.loss, stepMs: counted.result.totalMs });
    if (step % options.validateEvery === 0 || step === steps) {
      const loss = evaluate();
      validation.push({ step, loss });
      if (world.rank === 0) report({ kind: "validation", step, loss });
    }
  }
  const bytes = {
    parameters: localBytes([...namedParameters(model).values()].map(({ variable }) => variable)),
    optimizer: localBytes([...optimizer.states.values()].flatMap(({ m, v }) => [m, v])),
    live: liveBytes(),
  };
  const sample = generate(model, { prompt: options.prompt, numTokens: options.sampleTokens, seed });
  return {
    engine: world.engine.name,
    parameters: countParameters(model),
    parameterHash: initialHash,
    losses,
    validation,
    timings,
    communication,
    bytes,
    sample,
  };
});

/** Mean cross-entropy of a batch in nats per token. The batch is split over `dp`. */
function batchLoss(model: GPT, mesh: TrainMesh, batch: TokenBatch, contextLength: number): tf.Scalar {
  const inputs = shard(
    tf.tensor2d(batch.inputs, [batch.inputs.length / contextLength, contextLength], "int32"),
    mesh,
    {
      dp: Shard(0),
    },
  );
  const targets = shard(tf.tensor2d(batch.targets, inputs.shape, "int32"), mesh, {
    dp: Shard(0),
  });
  return crossEntropy(model.apply(inputs), targets);
}

/** Forward, backward, clip, update. Returns the loss and where the time went. */
function trainStep(
  model: GPT,
  optimizer: AdamW,
  mesh: TrainMesh,
  batch: TokenBatch,
  contextLength: number,
): StepTiming {
  const start = performance.now();
  const { loss, grads } = gradients(model, () => batchLoss(model, mesh, batch, contextLength));
  const afterBackward = performance.now();
  const clipped = clipGradNorm(grads, 1);
  optimizer.step(clipped.grads);
  const value = loss.dataSync()[0]!;
  tf.dispose([loss, clipped.norm, ...grads.values(), ...clipped.grads.values()]);
  const end = performance.now();
  return {
    loss: value,
    gradientMs: afterBackward - start,
    updateMs: end - afterBackward,
    totalMs: end - start,
  };
}
