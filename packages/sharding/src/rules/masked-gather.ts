/**
 * Looking up rows of which a rank holds a part: it gives zeros for those that others hold.
 *
 * @packageDocumentation
 */
import { ContractError } from "@meshwright/core";
import type { TensorInfo } from "@tensorflow/tfjs";
import { numElements } from "../layout.ts";
import type { LocalCall, LocalKernels } from "./rule.ts";

/**
 * `GatherV2` on a table whose indexed dim is split.
 *
 * Legend: B batch dims, O dims up to the indexed one, V its whole size, I dims after it, T the other dims of the indices.
 *
 * | tensor    | on this rank     |
 * | --------- | ---------------- |
 * | `x`       | `[B, O, V/p, I]` |
 * | `indices` | `[B, T]`         |
 * | result    | `[B, O, T, I]`   |
 *
 * @throws ContractError if an index is outside `[0, V)`, on every rank that has the index.
 */
export function maskedGather(
  kernels: LocalKernels,
  inputs: readonly TensorInfo[],
  local: LocalCall,
  options: { readonly axis: number; readonly batchDims: number },
): TensorInfo {
  const { axis, batchDims } = options;
  const [table, where] = local.inputs as readonly [LocalCall["inputs"][number], LocalCall["inputs"][number]];
  const output = local.outputs[0]!;
  const { localShape } = table;
  const [batch, outer] = [localShape.slice(0, batchDims), localShape.slice(batchDims, axis)].map(
    numElements,
  ) as [number, number];
  const inner = numElements(localShape.slice(axis + 1));
  const numRows = localShape[axis]!;
  const perBatch = numElements(where.localShape.slice(batchDims));
  const first = table.offset[axis]!;
  return kernels.create(output.localShape, output.dtype, (out) => {
    const [x, indices] = [kernels.view(inputs[0]!), kernels.view(inputs[1]!)];
    out.fill(0);
    for (let b = 0, to = 0; b < batch; b++) {
      for (let o = 0; o < outer; o++) {
        for (let t = 0; t < perBatch; t++, to += inner) {
          const row = requireIndex(indices[b * perBatch + t]!, table.shape[axis]!) - first;
          if (row < 0 || row >= numRows) continue;
          const from = ((b * outer + o) * numRows + row) * inner;
          for (let k = 0; k < inner; k++) out[to + k] = x[from + k]!;
        }
      }
    }
  });
}

function requireIndex(index: number, size: number): number {
  if (index >= 0 && index < size) return index;
  throw new ContractError(
    `GatherV2: index (${index}) must be in [0, ${size}), the range of the dim that is gathered; use indices below its size.`,
  );
}
