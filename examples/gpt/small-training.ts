/**
 * A training of a few steps that takes a second, for tests.
 *
 * @packageDocumentation
 */
import type { TrainOptions } from "./run-data.ts";

/** All but what each test is about. */
export const SMALL_TRAINING: Omit<TrainOptions, "mesh" | "pipeline" | "steps" | "checkpoints"> = {
  tokens: Int32Array.from({ length: 600 }, (_, i) => (i * i) % 11),
  model: { vocabSize: 11, contextLength: 8, features: 16, heads: 4, layers: 2 },
  ...{ batchSize: 4, seed: 1 },
  schedule: { peak: 1e-2, warmupSteps: 2, totalSteps: 10, floor: 1e-3 },
  ...{ validateEvery: 3, validationBatches: 1, prompt: [1], sampleTokens: 2 },
};
