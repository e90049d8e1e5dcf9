/**
 * What a layer of experts says about one forward pass.
 *
 * Legend: T = tokens, E = experts, K = experts per token.
 *
 * @packageDocumentation
 */

/** The load of one forward pass of one layer, over all ranks. */
export interface ExpertLoadRecord {
  /** Name of the layer, for example `"blocks.1.moe"`. */
  readonly layer: string;
  /** Number of the training step, or undefined where nobody set it. */
  readonly step: number | undefined;
  /** Choices per expert, `[E]`, before anything is dropped: they sum to `T K`; with expert choice all `ceil(T K / E)`. */
  readonly counts: Int32Array;
  /** Choices that no expert took, because the capacity was full. */
  readonly dropped: number;
  /** T. */
  readonly tokens: number;
}
