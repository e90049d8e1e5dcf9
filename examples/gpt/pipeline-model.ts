/**
 * A GPT cut into stages over `pp`; inside a stage as the whole model, over `dp` and `tp`.
 *
 * @packageDocumentation
 */
import { countParameters, crossEntropy, type AdamW } from "@meshwright/core";
import {
  createPipeline,
  gptLayers,
  parameterCosts,
  type Pipeline,
  type Schedule,
} from "@meshwright/pipeline";
import { parallelGPT, reduceGradients, Shard, subMesh } from "@meshwright/sharding";
import { dispose } from "@tensorflow/tfjs";
import type { TokenBatch } from "../data/token-dataset.ts";
import type { PipelineFacts, StepTiming, TrainOptions } from "./run-data.ts";
import { batchTensors, MAX_GRADIENT_NORM, type Trainer, type TrainMesh } from "./trainer.ts";

/** Builds the model and fills this rank's stages. */
export function pipelineModel(
  mesh: TrainMesh,
  { model: sizes, seed }: TrainOptions,
  schedule: Schedule,
): Trainer {
  const model = parallelGPT({ mesh: subMesh(mesh, { without: "pp" }), axis: "tp", ...sizes });
  const layers = gptLayers(model);
  const pipeline = createPipeline({
    ...{ mesh, axis: "pp", layers, schedule },
    loss: crossEntropy,
    // Of these layers the parameters tell the time, but for the embedding, which looks its rows up.
    costs: parameterCosts(layers).map((cost, layer) => (layer === 0 ? 0 : cost)),
    placements: { dp: Shard(0) },
    countBytes: true,
  });
  pipeline.initialize({ seed });
  return new PipelineTrainer(pipeline, mesh, {
    model,
    numParameters: countParameters(model),
    contextLength: sizes.contextLength,
  });
}

class PipelineTrainer implements Trainer {
  readonly model: object;
  readonly parameters;
  readonly numParameters: number;
  pipeline: PipelineFacts | undefined;
  readonly #pipeline: Pipeline;
  readonly #mesh: TrainMesh;
  readonly #contextLength: number;

  constructor(
    pipeline: Pipeline,
    mesh: TrainMesh,
    {
      model,
      numParameters,
      contextLength,
    }: { readonly model: object; readonly numParameters: number; readonly contextLength: number },
  ) {
    this.model = model;
    this.#pipeline = pipeline;
    this.#mesh = mesh;
    this.#contextLength = contextLength;
    this.parameters = pipeline.parameters;
    this.numParameters = numParameters;
  }

  parameterHash(): string {
    return this.#pipeline.parameterHash();
  }

  step(batch: TokenBatch, optimizer: AdamW): StepTiming {
    const start = performance.now();
    const [inputs, targets] = batchTensors(batch, this.#contextLength);
    const { loss, grads, timeline, peakLive, peakBytes = 0 } = this.#pipeline.step(inputs, targets);
    const afterBackward = performance.now();
    reduceGradients(grads, { mesh: subMesh(this.#mesh, { without: "pp" }), axis: "dp" });
    const clipped = this.#pipeline.clipGradNorm(grads, MAX_GRADIENT_NORM);
    optimizer.step(clipped.grads);
    dispose([inputs, targets, ...grads.values(), ...clipped.grads.values()]);
    const end = performance.now();
    this.pipeline = {
      ...{ timeline, peakLive, peakBytes },
      position: this.#mesh.group("pp").rank,
      isFirstReplica: this.#mesh.group("dp").rank === 0 && this.#mesh.group("tp").rank === 0,
    };
    return {
      loss,
      gradientMs: afterBackward - start,
      updateMs: end - afterBackward,
      totalMs: end - start,
    };
  }

  evaluate(batch: TokenBatch): number {
    const [inputs, targets] = batchTensors(batch, this.#contextLength);
    const loss = this.#pipeline.evaluate(inputs, targets);
    dispose([inputs, targets]);
    return loss;
  }

  logits(...[tokens]: Parameters<Trainer["logits"]>) {
    return this.#pipeline.predict(tokens);
  }
}
