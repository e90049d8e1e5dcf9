/**
 * How many bytes the training state of a model takes on each data-parallel rank.
 *
 * Legend: P = parameters, N = data-parallel ranks, K = bytes of optimizer state per parameter.
 *
 * | stage | parameters | gradients | optimizer | with 2-byte parameters and gradients |
 * | ----- | ---------- | --------- | --------- | ------------------------------------ |
 * | 0     | P          | P         | P         | `(2 + 2 + K) P`                      |
 * | 1     | P          | P         | P / N     | `2 P + 2 P + K P / N`                |
 * | 2     | P          | P / N     | P / N     | `2 P + (2 + K) P / N`                |
 * | 3     | P / N      | P / N     | P / N     | `(2 + 2 + K) P / N`                  |
 *
 * Activations, buckets in flight and the one whole parameter that stage 3 has in use come on top.
 *
 * @see Rajbhandari et al. 2020, "ZeRO: Memory Optimizations Toward Training Trillion Parameter Models", section 3 and
 * figure 1, https://arxiv.org/abs/1910.02054
 * @packageDocumentation
 */
import { ContractError } from "@meshwright/core";
import type { ZeROStage } from "./data-parallel.ts";

/** Bytes per parameter of each kind of state. */
export interface BytesPerParameter {
  readonly parameter: number;
  readonly gradient: number;
  readonly optimizer: number;
}

/** What Meshwright trains with: float32 parameters and gradients, and the two float32 moments of Adam. 16 bytes. */
export const FLOAT32_ADAM: BytesPerParameter = { parameter: 4, gradient: 4, optimizer: 8 };

/**
 * What the ZeRO paper counts (K = 12): 16-bit parameters and gradients; a float32 copy of the parameters and two float32
 * moments as optimizer state. 16 bytes.
 */
export const MIXED_PRECISION_ADAM: BytesPerParameter = { parameter: 2, gradient: 2, optimizer: 12 };

/** The same with a float32 copy of the gradients too, to add up micro-batches in. 20 bytes. */
export const MIXED_PRECISION_ADAM_FLOAT32_GRADIENTS: BytesPerParameter = {
  parameter: 2,
  gradient: 2 + 4,
  optimizer: 12,
};

/** Bytes on each rank at one stage. */
export interface MemoryRow {
  readonly stage: ZeROStage;
  readonly parameters: number;
  readonly gradients: number;
  readonly optimizer: number;
  readonly total: number;
}

/** What the table is of. */
export interface MemoryTableOptions {
  readonly parameters: number;
  /** Data-parallel ranks. */
  readonly ranks: number;
  /** Default: `FLOAT32_ADAM`. */
  readonly bytesPerParameter?: BytesPerParameter;
}

/**
 * One row per ZeRO stage. Real parts are up to one row of a dim larger where it does not divide.
 *
 * @example
 * ```ts
 * const rows = memoryTable({ parameters: 70e9, ranks: 64, bytesPerParameter: MIXED_PRECISION_ADAM });
 * rows[0].parameters; // 140e9: 140 GB in bf16
 * rows[0].total; // 1.12e12 on every rank
 * rows[3].total; // 17.5e9
 * ```
 * @throws ContractError if a number is not positive.
 */
export function memoryTable({
  parameters,
  ranks,
  bytesPerParameter = FLOAT32_ADAM,
}: MemoryTableOptions): readonly MemoryRow[] {
  if (!(parameters > 0) || !(Number.isInteger(ranks) && ranks > 0)) {
    throw new ContractError(
      `memoryTable: parameters (${parameters}) and ranks (${ranks}) must be positive, and ranks whole; use for example { parameters: 70e9, ranks: 64 }.`,
    );
  }
  const { parameter, gradient, optimizer } = bytesPerParameter;
  return ([0, 1, 2, 3] as const).map((stage) => {
    const bytes = {
      parameters: (parameters * parameter) / (stage >= 3 ? ranks : 1),
      gradients: (parameters * gradient) / (stage >= 2 ? ranks : 1),
      optimizer: (parameters * optimizer) / (stage >= 1 ? ranks : 1),
    };
    return { stage, ...bytes, total: bytes.parameters + bytes.gradients + bytes.optimizer };
  });
}
