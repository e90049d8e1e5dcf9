/**
 * The two row kernels that moving tokens is made of, each the other's adjoint, for any number of rows including none.
 *
 * Legend: N = rows that are named by `indices`, V = rows of the table, D = features.
 *
 * tfjs' own gather has no gradient where a tensor is empty. Core's embedding kernel and the segment sum do the same work,
 * each in one pass, and every engine has both.
 *
 * @packageDocumentation
 */
import { engine, pad, slice, tensor1d, tidy, zeros, type Tensor } from "@tensorflow/tfjs";

/** `y[i] = table[indices[i]]`: `[V, D]`, `[N]` to `[N, D]`. Not differentiable: callers define their gradients by it. */
export function takeRows(table: Tensor, indices: Int32Array): Tensor {
  const [numRows, features] = table.shape as [number, number];
  if (features === 0) return zeros([indices.length, features]);
  // Made of the table, so that it lies where the table does: in local code, on this rank.
  if (indices.length === 0) return slice(table, [0, 0], [0, features]);
  return tidy(() =>
    engine().runKernel<Tensor>(
      "EmbeddingLookup",
      { table, indices: tensor1d(indices, "int32") },
      { numRows, firstRow: 0 },
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
