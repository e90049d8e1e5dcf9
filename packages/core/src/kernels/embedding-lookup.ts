/**
 * Rows of a table by index, where the table may be spread over several holders of rows.
 *
 * Legend: B = any dims, V = rows of the whole table, v = rows held here, from row `firstRow` on, D = features.
 *
 * ```text
 * EmbeddingLookup       y = W[index], zeros where the row is not held here      [v, D], [B] -> [B, D]
 * EmbeddingLookupGrad   g[row] = sum of dy over the places that look row up     [B, D], [B] -> [v, D]
 * ```
 *
 * tfjs' gather has no such form, and the gradient that it builds is of the shape of the whole table.
 *
 * @packageDocumentation
 */
import { engine, type GradConfig, type Tensor, type TensorInfo } from "@tensorflow/tfjs";
import { ContractError } from "../errors.ts";
import { createFloats, referenceKernel, viewFloats, viewIntegers, type KernelCall } from "./reference.ts";
import { requireDtype } from "./shape-check.ts";

/** Output: one tensor, `[B, D]`. */
export const EMBEDDING_LOOKUP = "EmbeddingLookup";
/** Output: one tensor of the shape of `table`. Same attributes as `EmbeddingLookup`. */
export const EMBEDDING_LOOKUP_GRAD = "EmbeddingLookupGrad";

/** `table: [v, D]`, `indices: [B]` int32. */
export type EmbeddingLookupInputs = Record<"table" | "indices", TensorInfo>;
/** `dy: [B, D]`, `indices: [B]` int32; `table: [v, D]` says only what the result is the gradient of. */
export type EmbeddingLookupGradInputs = Record<"dy" | "indices" | "table", TensorInfo>;
/** `numRows`: V. `firstRow`: the row of the whole table that the first one held is. */
// eslint-disable-next-line @typescript-eslint/consistent-type-definitions -- an interface does not fit NamedAttrMap
export type EmbeddingLookupAttrs = { readonly numRows: number; readonly firstRow: number };

/**
 * `table[indices]`.
 *
 * @param table - `[V, D]` float32
 * @param indices - `[B]` int32, each in `0..V-1`
 * @returns `[B, D]`; the caller's scope owns it
 * @throws ContractError if `table` is not a float32 matrix or `indices` not int32; from the kernel, if an index lies
 * outside `0..V-1`.
 */
export function embeddingLookup(table: Tensor, indices: Tensor): Tensor {
  requireDtype("embeddingLookup: table", table, "float32");
  requireDtype("embeddingLookup: indices", indices, "int32");
  if (table.rank !== 2) {
    throw new ContractError(
      `embeddingLookup: table (shape [${table.shape.join(", ")}]) must have shape [V, D]; use tf.reshape.`,
    );
  }
  const attrs: EmbeddingLookupAttrs = { numRows: table.shape[0], firstRow: 0 };
  return engine().runKernel<Tensor>(EMBEDDING_LOOKUP, { table, indices }, attrs);
}

/** Runs `EmbeddingLookupGrad`; the indices have no gradient. */
export const embeddingLookupGradConfig: GradConfig = {
  kernelName: EMBEDDING_LOOKUP,
  inputsToSave: ["table", "indices"],
  gradFunc: (dy, saved, attrs) => {
    const [table, indices] = saved as [Tensor, Tensor];
    const inputs = { dy: dy as Tensor, indices, table };
    return { table: () => engine().runKernel<Tensor>(EMBEDDING_LOOKUP_GRAD, inputs, attrs) };
  },
};

/** The meaning of `EmbeddingLookup`. */
export const embeddingLookupReference = referenceKernel(EMBEDDING_LOOKUP, lookUp);

/** The meaning of `EmbeddingLookupGrad`. */
export const embeddingLookupGradReference = referenceKernel(EMBEDDING_LOOKUP_GRAD, addUp);

function lookUp({
  inputs: { table, indices },
  attrs,
  memory,
}: KernelCall<EmbeddingLookupInputs, EmbeddingLookupAttrs>): TensorInfo {
  const [held, features] = table.shape as [number, number];
  checkIndices(viewIntegers(memory, indices), attrs.numRows);
  return createFloats(memory, [...indices.shape, features], (out) => {
    const rows = viewFloats(memory, table);
    const wanted = viewIntegers(memory, indices);
    for (let i = 0, to = 0; i < wanted.length; i++, to += features) {
      const row = wanted[i]! - attrs.firstRow;
      if (row < 0 || row >= held) out.fill(0, to, to + features);
      else out.set(rows.subarray(row * features, (row + 1) * features), to);
    }
  });
}

function addUp({
  inputs: { dy, indices, table },
  attrs,
  memory,
}: KernelCall<EmbeddingLookupGradInputs, EmbeddingLookupAttrs>): TensorInfo {
  const [held, features] = table.shape as [number, number];
  return createFloats(memory, table.shape, (out) => {
    const dys = viewFloats(memory, dy);
    const wanted = viewIntegers(memory, indices);
    out.fill(0);
    for (let i = 0, from = 0; i < wanted.length; i++, from += features) {
      const row = wanted[i]! - attrs.firstRow;
      if (row < 0 || row >= held) continue;
      const to = row * features;
      for (let j = 0; j < features; j++) out[to + j] = out[to + j]! + dys[from + j]!;
    }
  });
}

/**
 * Checks indices; every implementation of `EmbeddingLookup` calls it.
 *
 * @throws ContractError that names the first position and value outside `0..numRows-1`.
 */
export function checkIndices(indices: Int32Array, numRows: number): void {
  for (let position = 0; position < indices.length; position++) {
    const index = indices[position]!;
    if (index >= 0 && index < numRows) continue;
    throw new ContractError(
      `EmbeddingLookup: index at position ${position} (${index}) must be in 0..${numRows - 1}, the rows of the table; use indices below ${numRows}.`,
    );
  }
}
