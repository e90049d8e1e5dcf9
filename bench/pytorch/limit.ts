/**
 * What a training step takes at least on one core: its products at the fastest product that was measured, and the memory
 * that its optimizer has to move at the fastest rate that was measured.
 *
 * Legend: N = parameters, T = tokens, D = features, S = positions.
 *
 * @packageDocumentation
 */
import type { StepSizes } from "../step/train.ts";

/** Work of a step. */
export interface StepWork {
  /** Of matrix products, forward and backward. */
  readonly gflop: number;
  /** Clipping reads gradients twice and writes them; AdamW reads four arrays and writes three. */
  readonly gigabytes: number;
}

/** Forward costs 2 FLOP per weight and token, plus `4 S D` per token and layer for scores and their use; backward twice that. */
export function workOf(
  { features, layers, vocabSize, batchSize, contextLength }: StepSizes,
  parameters: number,
): StepWork {
  const tokens = batchSize * contextLength;
  const weights = layers * 12 * features ** 2 + features * vocabSize;
  const forward = tokens * (2 * weights + layers * 4 * contextLength * features);
  return { gflop: (3 * forward) / 1e9, gigabytes: (10 * 4 * parameters) / 1e9 };
}

/** Milliseconds, if the core computed and moved memory one after the other, each at its best. */
export function limitMs(
  { gflop, gigabytes }: StepWork,
  best: { readonly gflops: number; readonly gbps: number },
): number {
  return (gflop / best.gflops + gigabytes / best.gbps) * 1000;
}
