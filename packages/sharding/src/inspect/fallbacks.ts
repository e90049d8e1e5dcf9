/**
 * Lists kernels that ran without a sharding rule.
 *
 * @packageDocumentation
 */
import type { FallbackReport } from "../backend/kernel-executor.ts";
import { shardedBackend } from "../backend/current.ts";

/**
 * Kernels without a rule that had to gather inputs on this rank, with the bytes that this cost so far. Each was also
 * reported once on stderr when it first ran.
 */
export function replicatedKernels(): readonly FallbackReport[] {
  return shardedBackend("replicatedKernels").fallbacks;
}

export type { FallbackReport };
