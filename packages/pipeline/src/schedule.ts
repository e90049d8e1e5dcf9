/**
 * A pipeline schedule: plain data that says in which order every rank works.
 *
 * Legend: p = ranks on the pipeline axis, m = micro-batches, v = chunks of the model per rank.
 *
 * The model is cut into `p * v` consecutive *stages*. A rank holds `v` of them, its *chunks*:
 *
 * ```
 *   looped (interleaved, looped BFS)        V-shaped (ZBV)
 *   rank      0  1  2  3                    rank      0  1  2  3
 *   chunk 0   0  1  2  3                    chunk 0   0  1  2  3
 *   chunk 1   4  5  6  7                    chunk 1   7  6  5  4
 * ```
 *
 * Sends and receives are not in the schedule: they follow from it (`communication.ts`).
 *
 * @packageDocumentation
 */

/**
 * `F`: forward. `B`: backward, input and weight gradients together. `I`: input gradient alone. `W`: weight gradient
 * alone, after its `I`. A schedule uses either `B`, or `I` and `W`.
 */
export type ActionKind = "F" | "B" | "I" | "W";

/** One piece of work of one rank. */
export interface Action {
  readonly kind: ActionKind;
  /** 0..m-1 */
  readonly microBatch: number;
  /** Which of the rank's chunks works: 0..v-1. */
  readonly chunk: number;
}

/** What every rank does, in order. */
export interface Schedule {
  /** For example `"gpipe"`, `"1f1b"`, `"zb-h1"`. */
  readonly name: string;
  /** p. */
  readonly numRanks: number;
  /** m. */
  readonly numMicroBatches: number;
  /** `stages[rank][chunk]`: the stage, 0..p*v-1, that is this chunk. */
  readonly stages: readonly (readonly number[])[];
  /** Whether the forward pass of a stage keeps only its input, and runs again before the backward pass. */
  readonly recompute: boolean;
  /** `actions[rank]`, in the order in which the rank works. */
  readonly actions: readonly (readonly Action[])[];
}
