/**
 * Loads a tied GPT-2 into the stages of a pipeline and returns its logits.
 */
import {
  crossEntropy,
  defineProgram,
  GPT,
  gptOptionsFromConfig,
  loadHuggingFace,
  readHuggingFaceConfig,
} from "@meshwright/core";
import { createPipeline, gptLayers, oneFOneB } from "@meshwright/pipeline";
import { createMesh } from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";

/** What to load. */
export interface HuggingFaceStages {
  readonly folder: string;
  readonly tokens: readonly (readonly number[])[];
}

/** What came of it, on one rank. */
export interface HuggingFaceStagesResult {
  readonly logits: readonly number[];
  /** Bytes of elements that were read. */
  readonly bytesRead: number;
  /** Values of the whole model that this rank holds. */
  readonly numValues: number;
  /** Parameters of the whole model that are filled on this rank. */
  readonly filled: readonly string[];
}

export default defineProgram<HuggingFaceStages, unknown, HuggingFaceStagesResult>(({ world, options }) => {
  const { folder, tokens } = options;
  const model = new GPT(gptOptionsFromConfig(readHuggingFaceConfig(folder)));
  const pipeline = createPipeline({
    ...{ mesh: createMesh(world, { pp: 2 }), axis: "pp", layers: gptLayers(model), loss: crossEntropy },
    schedule: oneFOneB({ numRanks: 2, numMicroBatches: 2 }),
  });
  const own = new Set(pipeline.parameters.values());
  const { bytesRead } = loadHuggingFace(model, folder, {
    maxGapBytes: 0,
    only: (_name, parameter) => own.has(parameter),
  });
  const logits = pipeline.predict(tf.tensor2d(tokens as number[][], undefined, "int32"));
  return {
    logits: [...logits.dataSync()],
    bytesRead: bytesRead.data,
    numValues: [...own].reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0),
    filled: [...pipeline.parameters].filter(([, { isInitialized }]) => isInitialized).map(([name]) => name),
  };
});
