/**
 * What a training runs with, from the command line and the book.
 *
 * @packageDocumentation
 */
import type { OptionValues } from "../cli/option-value.ts";
import type { Book } from "../data/book.ts";
import type { modelOptions } from "./command.ts";
import type { TrainOptions } from "./run-data.ts";

/** What the user asked for, as far as it says how a model is trained. */
interface Wanted {
  readonly steps: number;
  readonly seed: number;
  readonly extra: OptionValues<typeof modelOptions>;
}

/** All that does not depend on the mesh; no pipeline, no checkpoints. */
export function trainOptionsFor({ steps, seed, extra }: Wanted, book: Book): Omit<TrainOptions, "mesh"> {
  const { contextLength, features, heads, layers, batchSize, learningRate } = extra;
  return {
    ...{ tokens: book.tokens, steps, seed, batchSize, pipeline: undefined, checkpoints: undefined },
    model: { vocabSize: book.vocabulary.size, contextLength, features, heads, layers },
    schedule: {
      peak: learningRate,
      warmupSteps: Math.min(30, Math.floor(steps / 4)),
      totalSteps: steps,
      floor: learningRate / 10,
    },
    validateEvery: extra.validateEvery,
    validationBatches: 4,
    prompt: [...book.vocabulary.encode(extra.prompt)],
    sampleTokens: extra.sampleTokens,
  };
}
