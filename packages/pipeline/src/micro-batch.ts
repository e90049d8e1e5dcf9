/**
 * Cuts a batch into micro-batches along its first dim.
 *
 * Legend: R = rows of the batch, m = micro-batches.
 *
 * @packageDocumentation
 */
import { ContractError } from "@meshwright/core";
import { slice, type Tensor } from "@tensorflow/tfjs";

/** Rows of one micro-batch. */
export interface MicroBatch {
  readonly start: number;
  readonly rows: number;
  /** `rows / R`: by how much its mean loss counts in that of the batch. */
  readonly share: number;
}

/**
 * `R` rows in `m` parts whose sizes differ by at most one, the larger ones first. With `unit`, sizes are multiples of
 * it where that is possible (it divides `R`, and there are enough units): a part that is split over as many ranks then
 * is split evenly, which spares the communication that uneven shards need where a dim is folded into another.
 *
 * With mean losses `l_i` of the parts, `sum_i share_i l_i` is the mean loss of the batch, and so are its gradients.
 *
 * @example
 * ```ts
 * microBatches(7, 3).map(({ rows }) => rows); // [3, 2, 2]
 * microBatches(12, 5, { unit: 2 }).map(({ rows }) => rows); // [4, 2, 2, 2, 2]
 * ```
 * @throws ContractError if there are fewer rows than micro-batches.
 */
export function microBatches(
  numRows: number,
  numMicroBatches: number,
  { unit = 1 }: { readonly unit?: number } = {},
): MicroBatch[] {
  if (numRows < numMicroBatches) {
    throw new ContractError(
      `Pipeline: batch (${numRows} rows) must have at least one row per micro-batch (${numMicroBatches}); use a larger batch, or a schedule of at most ${numRows} micro-batches.`,
    );
  }
  const size = numRows % unit === 0 && numRows / unit >= numMicroBatches ? unit : 1;
  const numUnits = numRows / size;
  const [least, numLarger] = [Math.floor(numUnits / numMicroBatches), numUnits % numMicroBatches];
  return Array.from({ length: numMicroBatches }, (_, i) => {
    const rows = size * (least + (i < numLarger ? 1 : 0));
    return { start: size * (i * least + Math.min(i, numLarger)), rows, share: rows / numRows };
  });
}

/** The rows of a micro-batch. The caller's scope owns the result. */
export function takeRows(batch: Tensor, { start, rows }: MicroBatch): Tensor {
  const rest = batch.shape.slice(1);
  return slice(batch, [start, ...rest.map(() => 0)], [rows, ...rest]);
}
