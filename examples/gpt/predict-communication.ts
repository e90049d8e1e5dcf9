/**
 * What a training step of the GPT must communicate, by the formulas.
 *
 * Legend: T = tokens per step, D = features, L = layers, P = parameters, n = ranks on an axis.
 *
 * @packageDocumentation
 */
import type { ModelSizes } from "./run-data.ts";

/** Calls and bytes sent per rank and step. */
export interface Predicted {
  readonly callsPerStep: number;
  readonly bytesPerStep: number;
}

const BYTES = 4;

/** Bytes that each of `n` ranks sends to reduce an array of `bytes`. */
function allReduceBytes(bytes: number, n: number): number {
  return (2 * bytes * (n - 1)) / n;
}

/**
 * `tp`: per block 2 all-reduces forward and 2 backward, each of `[T / dp, D]`, and the squared gradient norm (4 bytes).
 */
export function predictTensorParallel(
  sizes: ModelSizes,
  { tp, tokens }: { readonly tp: number; readonly tokens: number },
): Predicted {
  const activation = tokens * sizes.features * BYTES;
  const calls = 4 * sizes.layers;
  return {
    callsPerStep: calls + 1,
    bytesPerStep: calls * allReduceBytes(activation, tp) + allReduceBytes(BYTES, tp),
  };
}

/** `dp`: every gradient once, as large as the parameter on the rank, and the loss (4 bytes). */
export function predictDataParallel({
  dp,
  numTensors,
  parameterBytes,
}: {
  readonly dp: number;
  readonly numTensors: number;
  readonly parameterBytes: number;
}): Predicted {
  return {
    callsPerStep: numTensors + 1,
    bytesPerStep: allReduceBytes(parameterBytes + BYTES, dp),
  };
}
