/**
 * The two row kernels that moving tokens is made of, each the other's adjoint, for any number of rows including none.
 *
 * Legend: N = rows that are named by `indices`, V = rows of the table, D = features.
 *
 * They are tfjs' own kernels; what tfjs differentiates by them fails where a tensor is empty, so callers define their
 * gradients themselves.
 *
 * @packageDocumentation
 */
import { engine, pad, slice, tensor1d, tidy, zeros, type Tensor } from "@tensorflow/tfjs";

/** `y[i] = table[indices[i]]`: `[V, D]`, `[N]` to `[N, D]`. */
export function takeRows(table: Tensor, indices: Int32Array): Tensor {
  const features = table.shape[1]!;
  if (features === 0) return zeros([indices.length, features]);
  // Made of the table, so that it lies where the table does: in local code, on this rank.
  if (indices.length === 0) return slice(table, [0, 0], [0, features]);
  return tidy(() =>
    engine().runKernel<Tensor>(
      "GatherV2",
      { x: table, indices: tensor1d(indices, "int32") },
      { axis: 0, batchDims: 0 },
    ),
  );
}

/** `y[v] = sum of x[i] over all i with indices[i] = v`: `[N, D]`, `[N]` to `[V, D]`; 0 where there are none. */
export function addRows(x: Tensor, indices: Int32Array, numRows: number): Tensor {
  const features = x.shape[1]!;
  if (features === 0) return zeros([numRows, features]);
  const noRows: [number, number] = [0, numRows];
  if (indices.length === 0) return pad(x, [noRows, [0, 0]]); // [0, D] -> [V, D]
  return tidy(() =>
    engine().runKernel<Tensor>(
      "UnsortedSegmentSum",
      { x, segmentIds: tensor1d(indices, "int32") },
      { numSegments: numRows },
    ),
  );
}
