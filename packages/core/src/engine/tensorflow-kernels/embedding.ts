/**
 * Rows of a table by index, and the gradient of the table, by TensorFlow's gather and segment sum.
 *
 * Legend: as in `kernels/embedding-lookup.ts`.
 *
 * @packageDocumentation
 */
import type { TensorInfo } from "@tensorflow/tfjs";
import {
  checkIndices,
  EMBEDDING_LOOKUP,
  EMBEDDING_LOOKUP_GRAD,
  type EmbeddingLookupAttrs,
  type EmbeddingLookupGradInputs,
  type EmbeddingLookupInputs,
} from "../../kernels/embedding-lookup.ts";
import { sizeOf } from "../shape.ts";
import { integersOf } from "./check-labels.ts";
import { tensorflowKernel, type TensorflowKernel } from "./tensorflow-kernel.ts";

const lookup = tensorflowKernel<EmbeddingLookupInputs, EmbeddingLookupAttrs>(
  EMBEDDING_LOOKUP,
  ({ inputs: { table, indices }, attrs, native, op, integers, scalar }) => {
    const wanted = integersOf(native, indices);
    checkIndices(wanted, attrs.numRows);
    const held = table.shape[0]!;
    if (held === attrs.numRows) return op("GatherV2", [table, indices, integers([0], [])]);
    // A row of zeros behind the held ones is what the others look up.
    const zeros = op("Fill", [integers([1, table.shape[1]!]), scalar(0)]);
    const extended = op("ConcatV2", [table, zeros, integers([0], [])], {
      N: { int: 2 },
      T: { type: "float32" },
    });
    const local = wanted.map((row) => heldRow(row - attrs.firstRow, held) ?? held);
    return op("GatherV2", [extended, integers(local, indices.shape), integers([0], [])]);
  },
);

const lookupGrad = tensorflowKernel<EmbeddingLookupGradInputs, EmbeddingLookupAttrs>(
  EMBEDDING_LOOKUP_GRAD,
  ({ inputs: { dy, indices, table }, attrs, native, op, integers, reshape }) => {
    const [held, features] = table.shape as [number, number];
    const rows = sizeOf(indices.shape);
    const gradients: TensorInfo = reshape(dy, [rows, features]);
    // Segments below zero are dropped.
    const segments = integersOf(native, indices).map((row) => heldRow(row - attrs.firstRow, held) ?? -1);
    return op("UnsortedSegmentSum", [gradients, integers(segments), integers([held], [])]);
  },
);

function heldRow(row: number, held: number): number | undefined {
  return row >= 0 && row < held ? row : undefined;
}

/** Both of them. */
export const embeddingKernels: readonly TensorflowKernel[] = [lookup, lookupGrad];
