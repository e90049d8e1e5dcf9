/**
 * Gather by rows, batch dims included, and the segment sum that is its gradient.
 *
 * @packageDocumentation
 */
import { backend_util, util, type TensorInfo } from "@tensorflow/tfjs";
import { ContractError } from "../../errors.ts";
import { sizeOf } from "../shape.ts";
import { wasmKernel } from "./wasm-kernel.ts";

/** `out[b, o, i, s] = x[b, o, indices[b, i], s]` with `axis` the third dim of `x`. */
export const gatherV2 = wasmKernel<Record<"x" | "indices", TensorInfo>, { axis: number; batchDims: number }>(
  "GatherV2",
  (call) => {
    const { heap, kernels } = call;
    const { x, indices } = call.inputs;
    if (x.dtype === "string" || x.dtype === "complex64") return call.stock();
    const axis = util.parseAxisParam(call.attrs.axis, x.shape)[0]!;
    // tfjs asks for Tensors here but reads only their shapes.
    const info = backend_util.segment_util.collectGatherOpShapeInfo(x, indices, axis, call.attrs.batchDims);
    const out = heap.output(info.outputShape, x.dtype);
    const count = sizeOf(indices.shape) / Math.max(info.batchSize, 1);
    const bad = kernels.gather(
      heap.address(x),
      heap.address(indices),
      heap.address(out),
      info.batchSize,
      info.outerSize,
      info.dimSize,
      count,
      info.sliceSize * util.bytesPerElement(x.dtype),
    );
    if (bad >= 0) {
      const value = heap.view(indices)[bad];
      heap.release(out);
      throw new ContractError(
        `GatherV2: index at position ${bad} (${value ?? "?"}) must be in 0..${info.dimSize - 1}, the size of dim ${axis} of x; use indices below ${info.dimSize}.`,
      );
    }
    return out;
  },
);

/** `out[segmentIds[i], :] = sum of x[i, :]`, in the order of `i`; ids outside `[0, numSegments)` are dropped. */
export const unsortedSegmentSum = wasmKernel<Record<"x" | "segmentIds", TensorInfo>, { numSegments: number }>(
  "UnsortedSegmentSum",
  (call) => {
    const { heap, kernels } = call;
    const { x, segmentIds } = call.inputs;
    const { numSegments } = call.attrs;
    if (x.dtype !== "float32" || segmentIds.dtype !== "int32") return call.stock();
    const inner = x.shape.slice(segmentIds.shape.length);
    const out = heap.output([numSegments, ...inner], "float32");
    kernels.segmentSum(
      heap.address(x),
      heap.address(segmentIds),
      heap.address(out),
      sizeOf(segmentIds.shape),
      numSegments,
      sizeOf(inner),
    );
    return out;
  },
);
