/**
 * What a training step of the GPT must communicate, by the formulas.
 *
 * Legend: T = tokens per step, D = features, L = layers, P = parameters, n = ranks on an axis.
 *
 * @packageDocumentation
 */
import { communicationSteps, type Schedule } from "@meshwright/pipeline";
import type { ModelSizes } from "./run-data.ts";

/** Calls and bytes sent per rank and step. */
export interface Predicted {
  readonly callsPerStep: number;
  readonly bytesPerStep: number;
}

const BYTES = 4;
/** What says which tensor comes, in a message of its own. */
const HEADER_BYTES = 76;

/** Bytes that each of `n` ranks sends to reduce an array of `bytes`. */
function allReduceBytes(bytes: number, n: number): number {
  return (2 * bytes * (n - 1)) / n;
}

/** How a step's tokens go through the blocks of one rank. */
export interface RankWork {
  /** Blocks that the rank holds. */
  readonly blocks: number;
  /** Sequences of each micro-batch on the rank. */
  readonly rows: readonly number[];
  /** Whether blocks run forward again before they run backward. */
  readonly recompute: boolean;
}

/**
 * `tp`: per block and micro-batch 2 all-reduces forward (and 2 again to recompute) and 2 backward, each of `[T / dp, D]`,
 * and the squared gradient norm (4 bytes).
 */
export function predictTensorParallel(
  sizes: ModelSizes,
  { tp, work }: { readonly tp: number; readonly work: RankWork },
): Predicted {
  const perBlock = work.recompute ? 6 : 4;
  const tokens = work.rows.reduce((a, b) => a + b, 0) * sizes.contextLength;
  const bytes = tokens * sizes.features * BYTES;
  return {
    callsPerStep: perBlock * work.blocks * work.rows.length + 1,
    bytesPerStep: perBlock * work.blocks * allReduceBytes(bytes, tp) + allReduceBytes(BYTES, tp),
  };
}

/** `dp`: every gradient once, as large as the parameter on the rank, and the loss (4 bytes) where it is computed. */
export function predictDataParallel({
  dp,
  numTensors,
  parameterBytes,
  hasLoss,
}: {
  readonly dp: number;
  readonly numTensors: number;
  readonly parameterBytes: number;
  readonly hasLoss: boolean;
}): Predicted {
  const loss = hasLoss ? 1 : 0;
  return {
    callsPerStep: numTensors + loss,
    bytesPerStep: allReduceBytes(parameterBytes + BYTES * loss, dp),
  };
}

/** `pp`: an activation or its gradient, `[T / dp, D]` of a micro-batch, per send of the schedule, each with a header. */
export function predictStageMessages(
  { features, contextLength }: ModelSizes,
  { schedule, work }: { readonly schedule: Schedule; readonly work: RankWork },
): Predicted {
  const sends = communicationSteps(schedule)[0]!.flatMap((step) =>
    step.kind === "send" ? [step.message] : [],
  );
  const bytes = sends.map(
    ({ microBatch }) => HEADER_BYTES + work.rows[microBatch]! * contextLength * features * BYTES,
  );
  return { callsPerStep: 2 * sends.length, bytesPerStep: bytes.reduce((a, b) => a + b, 0) };
}
