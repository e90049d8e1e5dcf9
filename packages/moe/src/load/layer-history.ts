/**
 * The load of the layers of a model, step by step: plain data, which can be sent between threads.
 *
 * Legend: E = experts.
 *
 * @packageDocumentation
 */

/** The load of one layer in one step, all its micro-batches together, over all ranks. */
export interface StepLoad {
  readonly step: number;
  /** Choices per expert, `[E]`, before anything is dropped. */
  readonly counts: readonly number[];
  /** Choices that no expert took. */
  readonly dropped: number;
  readonly tokens: number;
}

/** The load of one layer, its steps ascending; at least one. */
export interface LayerHistory {
  readonly layer: string;
  /** E. */
  readonly numExperts: number;
  readonly steps: readonly StepLoad[];
}
