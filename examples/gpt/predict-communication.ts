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

/** How a step's tokens go through the layers of one rank. */
export interface RankWork {
  /** Blocks that the rank holds. */
  readonly blocks: number;
  /** Whether the rank holds the embedding. */
  readonly hasEmbedding: boolean;
  /** Whether the rank holds the head, and computes the loss. */
  readonly hasHead: boolean;
  /** Sequences of each micro-batch on the rank. */
  readonly rows: readonly number[];
  /** Whether layers run forward again before they run backward. */
  readonly recompute: boolean;
}

/**
 * `tp`, per micro-batch: all-reduces of `[T / dp, D]`, forward 1 for the embedding and 2 per block, backward 2 per block
 * and 1 for the head; for the loss, forward, all-reduces of `[T / dp]` and `[2, T / dp]`. Recomputing runs forward twice.
 * Once per step the squared gradient norm (4 bytes).
 */
export function predictTensorParallel(
  sizes: ModelSizes,
  { tp, work }: { readonly tp: number; readonly work: RankWork },
): Predicted {
  const { blocks, rows, hasEmbedding, hasHead } = work;
  const times = work.recompute ? 2 : 1;
  const ofActivations = times * (Number(hasEmbedding) + 2 * blocks) + 2 * blocks + Number(hasHead);
  const ofTokens = hasHead ? times * 2 : 0;
  const tokenBytes = rows.reduce((a, b) => a + b, 0) * sizes.contextLength * BYTES;
  const loss = (hasHead ? times : 0) * allReduceBytes(3 * tokenBytes, tp);
  return {
    callsPerStep: (ofActivations + ofTokens) * rows.length + 1,
    bytesPerStep:
      ofActivations * allReduceBytes(tokenBytes * sizes.features, tp) + loss + allReduceBytes(BYTES, tp),
  };
}

/**
 * `dp`: the gradients, each as large as its parameter on the rank, in buckets; and the loss (4 bytes) where it is computed.
 */
export function predictDataParallel({
  dp,
  numBuckets,
  parameterBytes,
  hasLoss,
}: {
  readonly dp: number;
  readonly numBuckets: number;
  readonly parameterBytes: number;
  readonly hasLoss: boolean;
}): Predicted {
  const loss = hasLoss ? 1 : 0;
  return {
    callsPerStep: numBuckets + loss,
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
