/**
 * What a training step of a model with context parallelism communicates.
 */
import { defineProgram, type LedgerTotal } from "@meshwright/core";
import { train, type ContextParallelOptions } from "./context-parallel-model.ts";

export default defineProgram<
  ContextParallelOptions,
  unknown,
  { readonly forward: readonly LedgerTotal[]; readonly whole: readonly LedgerTotal[] }
>(({ world, options }) => {
  const { forward, whole } = train(options, world);
  return { forward, whole };
});
