/**
 * Batches of a long row of tokens, for training and for validation.
 *
 * Legend: B = sequences in a batch, T = tokens of a sequence (the context length).
 *
 * @packageDocumentation
 */
import { ContractError, philox4x32, philoxKey } from "@meshwright/core";

/** A batch for next-token prediction. Both are `[B, T]`, row-major; `targets[i]` follows `inputs[i]` in the text. */
export interface TokenBatch {
  readonly inputs: Int32Array;
  readonly targets: Int32Array;
}

/** The size of a batch. */
export interface BatchShape {
  /** B. */
  readonly batchSize: number;
  /** T. */
  readonly contextLength: number;
}

/** A text as tokens, split by position: the validation part is the end of the text. */
export interface TokenDataset {
  readonly training: Int32Array;
  readonly validation: Int32Array;
  /**
   * The training batch of a step: B windows, each starting at a uniformly drawn position. It depends on (seed, step)
   * alone, so every rank and every mesh gets the same one, and a resumed run goes on as if it had not stopped.
   *
   * The start of row `b` is `floor(u * (N - T) / 2^32)`, where N is the length of the training part and `u` is word 0 of
   * the Philox block with counter `(step, b, 0, 0)` under the key of `(seed, "batches")`.
   */
  batchAt(step: number, options: BatchShape & { readonly seed: number }): TokenBatch;
  /** `numBatches` batches of windows at equal distances over the whole validation part; always the same. */
  validationBatches(options: BatchShape & { readonly numBatches: number }): readonly TokenBatch[];
}

/**
 * Splits `tokens` by position.
 *
 * @example
 * ```ts
 * const vocabulary = characterVocabulary(loadMobyDick());
 * const dataset = tokenDataset(vocabulary.encode(loadMobyDick()));
 * const { inputs, targets } = dataset.batchAt(0, { batchSize: 8, contextLength: 64, seed: 1 }); // [8, 64] each
 * ```
 * @throws ContractError if the validation share is not between 0 and 1; from the batch functions if a size is not a
 * positive integer, or if a part of the text is too short for one window.
 */
export function tokenDataset(
  tokens: Int32Array,
  options: {
    /** Share of the text, counted from its end, that is kept for validation (default 0.1). */
    readonly validationShare?: number;
  } = {},
): TokenDataset {
  const share = options.validationShare ?? 0.1;
  if (!(share > 0 && share < 1)) {
    throw new ContractError(
      `tokenDataset: validationShare (${share}) must lie between 0 and 1; use for example 0.1.`,
    );
  }
  const numTraining = tokens.length - Math.floor(tokens.length * share);
  const training = tokens.subarray(0, numTraining);
  const validation = tokens.subarray(numTraining);
  return {
    training,
    validation,
    batchAt(step, { seed, ...shape }) {
      if (!Number.isInteger(step) || step < 0) {
        throw new ContractError(
          `batchAt: step (${step}) must be an integer from 0; use the step of the training loop.`,
        );
      }
      const last = lastStart("batchAt", training, shape);
      const key = philoxKey({ seed, name: "batches" });
      const starts = Array.from({ length: shape.batchSize }, (_, row) => {
        const [word] = philox4x32([step, row, 0, 0], key);
        return Math.floor((word! * (last + 1)) / 2 ** 32);
      });
      return windows(training, starts, shape.contextLength);
    },
    validationBatches({ numBatches, ...shape }) {
      requirePositive("validationBatches", { numBatches });
      const last = lastStart("validationBatches", validation, shape);
      const numWindows = numBatches * shape.batchSize;
      const startOf = (window: number) => Math.floor((window * last) / Math.max(1, numWindows - 1));
      return Array.from({ length: numBatches }, (_, batch) => {
        const starts = Array.from({ length: shape.batchSize }, (__, row) =>
          startOf(batch * shape.batchSize + row),
        );
        return windows(validation, starts, shape.contextLength);
      });
    },
  };
}

/** The last position at which a window of T inputs and their T targets fits. */
function lastStart(where: string, text: Int32Array, { batchSize, contextLength }: BatchShape): number {
  requirePositive(where, { batchSize, contextLength });
  const last = text.length - contextLength - 1;
  if (last < 0) {
    throw new ContractError(
      `${where}: contextLength (${contextLength}) must be less than the number of tokens (${text.length}); use a shorter context or a longer text.`,
    );
  }
  return last;
}

function requirePositive(where: string, sizes: Readonly<Record<string, number>>): void {
  for (const [name, size] of Object.entries(sizes)) {
    if (!Number.isInteger(size) || size < 1) {
      throw new ContractError(
        `${where}: ${name} (${size}) must be a positive integer; use for example ${name}: 8.`,
      );
    }
  }
}

function windows(text: Int32Array, starts: readonly number[], length: number): TokenBatch {
  const inputs = new Int32Array(starts.length * length);
  const targets = new Int32Array(starts.length * length);
  starts.forEach((start, row) => {
    inputs.set(text.subarray(start, start + length), row * length);
    targets.set(text.subarray(start + 1, start + 1 + length), row * length);
  });
  return { inputs, targets };
}
