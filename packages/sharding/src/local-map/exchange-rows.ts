/**
 * Exchange of uneven pieces of rows between the ranks of an axis, for use inside `localMap`.
 *
 * Legend: p = ranks on the axis, n = rows held, m = rows received, D = elements per row.
 *
 * ```text
 *   rank 0 sends   [ to 0 | to 1 | to 2 ]          rank 0 receives   [ from 0 | from 1 | from 2 ]
 *   rank 1 sends   [ to 0 | to 1 | to 2 ]    ->    rank 1 receives   [ from 0 | from 1 | from 2 ]
 *   rank 2 sends   [ to 0 | to 1 | to 2 ]          rank 2 receives   [ from 0 | from 1 | from 2 ]
 * ```
 *
 * @packageDocumentation
 */
import { ContractError } from "@meshwright/core";
import { engine as tfEngine, type Tensor, type TensorInfo } from "@tensorflow/tfjs";
import type { ShardedBackend } from "../backend/sharded-backend.ts";
import { shardedBackend } from "../backend/current.ts";
import { axisIndex } from "../mesh.ts";
import { requireLocal, type LocalMesh } from "./local-mesh.ts";

/** Name of the kernel. */
export const LOCAL_EXCHANGE_ROWS = "LocalExchangeRows";

/** How many rows go where, one count per rank of the axis. */
export interface RowExchange {
  /** Rows for each rank, `[p]`. */
  readonly sendCounts: readonly number[];
  /** Rows from each rank, `[p]`; rank `a` expects of rank `b` what `b` sends to `a`. */
  readonly receiveCounts: readonly number[];
  /** What the ledger and errors call it. Default `"localExchangeRows"`. */
  readonly label?: string;
}

/** Attributes of `LocalExchangeRows`. */
// eslint-disable-next-line @typescript-eslint/consistent-type-definitions -- an interface does not fit NamedAttrMap
export type ExchangeRowsAttrs = {
  axis: string;
  sendCounts: number[];
  receiveCounts: number[];
  label: string;
};

/**
 * Sends the first `sendCounts[0]` rows to rank 0, the next to rank 1, and so on; what arrives is joined in the order of
 * the ranks: `[n, ...] -> [m, ...]`, straight from the engine's memory into the engine's memory.
 *
 * Communication: one all-to-all of `D` times the rows for other ranks. Backward: the same exchange the other way, so a
 * rank's rows get the gradients of where they went. The ledger adds `", backward"` to the label.
 *
 * All ranks along the axis make the same calls in the same order, forward and backward, also where they have no rows.
 *
 * @returns a local tensor; the caller's scope owns it
 * @example
 * ```ts
 * // Two ranks; each sends its first row to rank 0 and its second to rank 1.
 * const swap = (x: tf.Tensor) => localExchangeRows(x, "ep", { sendCounts: [1, 1], receiveCounts: [1, 1] });
 * localMap(swap, { mesh, in: [{ ep: Shard(0) }], out: { ep: Shard(0) } })(x); // rows 0, 1, 2, 3 -> 0, 2, 1, 3
 * ```
 * @throws ContractError if `x` is no local tensor or has no rows' dim, `axis` is no axis of the mesh, or the counts are
 * not one per rank or do not add up to the rows of `x`.
 * @throws CollectiveMismatchError on every rank, if two ranks disagree about how many rows one sends to the other.
 */
export function localExchangeRows(x: Tensor, axis: string, options: RowExchange): Tensor {
  const where = "localExchangeRows";
  const { outer } = requireLocal(where, x, shardedBackend(where));
  const size = outer.shape[axisIndex(outer, axis, where)]!;
  const { sendCounts, receiveCounts, label = where } = options;
  for (const [name, counts] of Object.entries({ sendCounts, receiveCounts })) {
    if (counts.length === size) continue;
    throw new ContractError(
      `${where}: ${name} (length ${counts.length}) must hold one count per rank of axis "${axis}" (${size}); use an all-to-all of the counts to learn them.`,
    );
  }
  const numRows = sumOf(sendCounts);
  if (x.rank === 0 || x.shape[0] !== numRows) {
    throw new ContractError(
      `${where}: x (shape [${x.shape.join(", ")}]) must have as many rows as sendCounts add up to (${numRows}); use the counts of the same rows.`,
    );
  }
  return run(x, { axis, sendCounts: [...sendCounts], receiveCounts: [...receiveCounts], label });
}

function run(x: Tensor, attrs: ExchangeRowsAttrs): Tensor {
  return tfEngine().runKernel<Tensor>(LOCAL_EXCHANGE_ROWS, { x }, attrs);
}

/** The adjoint: every row's gradient goes back to where the row came from. */
export function exchangeRowsBack(dy: Tensor, attrs: ExchangeRowsAttrs): Tensor {
  const { axis, sendCounts, receiveCounts, label } = attrs;
  const back = { sendCounts: receiveCounts, receiveCounts: sendCounts };
  return run(dy, { axis, ...back, label: `${label}, backward` });
}

/** The exchange on tensors of the engine. */
export function exchangeLocally(
  x: TensorInfo,
  { axis, sendCounts, receiveCounts, label }: ExchangeRowsAttrs,
  { mesh, backend }: { readonly mesh: LocalMesh; readonly backend: ShardedBackend },
): TensorInfo {
  const { engine } = backend.door;
  const [, ...row] = x.shape;
  const width = row.reduce((product, size) => product * size, 1);
  const elements = (counts: readonly number[]): number[] => counts.map((count) => count * width);
  return engine.create([sumOf(receiveCounts), ...row], x.dtype, (into) => {
    mesh.outer.group(axis).allToAll(engine.view(x), {
      ...{ sendCounts: elements(sendCounts), receiveCounts: elements(receiveCounts) },
      ...{ into, label },
    });
  });
}

function sumOf(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0);
}
