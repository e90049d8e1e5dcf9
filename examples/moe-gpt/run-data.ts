/**
 * What goes into a training of experts and what comes out of it, beside what every training has.
 *
 * @packageDocumentation
 */
import type { LayerHistory, MoEOptions } from "@meshwright/moe";
import type { TrainOptions, TrainResult } from "../gpt/run-data.ts";

/** Options of `train.ts`; the same on every rank. */
export interface MoETrainOptions extends TrainOptions {
  readonly mesh: TrainOptions["mesh"] & { readonly ep: number };
  /** Plain data: no `onLoad`. */
  readonly moe: Omit<MoEOptions, "onLoad">;
}

/** What a rank returns. */
export interface MoETrainResult extends TrainResult {
  /** Of every layer of experts; the same on every rank. */
  readonly load: readonly LayerHistory[];
}
