/**
 * A dim that several ranks share, each with a part of every row along it.
 *
 * A dim may be cut by more than one mesh axis; the axes then nest, and a collective over the dim takes one step per axis.
 *
 * @packageDocumentation
 */
import type { ProcessGroup } from "@meshwright/core";
import { util, type TensorInfo } from "@tensorflow/tfjs";
import { numElements, type Layout } from "../layout.ts";
import { isShard, type PartialOp } from "../placement.ts";
import { inputAt } from "./attributes.ts";
import type { AxisContext, KernelCall, LocalCall, LocalKernels } from "./rule.ts";

/** The groups of the axes that cut one of `dims` of `layout`, the outermost cut first; none where they are whole. */
export function groupsAlong(local: LocalCall, layout: Layout, ...dims: number[]): readonly ProcessGroup[] {
  return local.groups.filter((_, axis) => {
    const placement = layout.placements[axis]!;
    return placement.kind === "shard" && dims.includes(placement.dim);
  });
}

/** Whether an axis cuts dim `dim` of `layout`. */
export function isSplit(layout: Layout, dim: number): boolean {
  return layout.placements.some((placement) => isShard(placement, dim));
}

/** A row-major shape seen along one dim: element `(o, i, k)` is at `(o * size + i) * inner + k`. */
export interface Strides {
  /** Product of the dims before. */
  readonly outer: number;
  readonly size: number;
  /** Product of the dims after. */
  readonly inner: number;
}

/** `shape` as `[outer, size, inner]` around `dim`. */
export function stridesAlong(shape: readonly number[], dim: number): Strides {
  return {
    outer: numElements(shape.slice(0, dim)),
    size: shape[dim]!,
    inner: numElements(shape.slice(dim + 1)),
  };
}

/** Bytes of one value per row along `dim` of an input, on each rank, of the input's type unless `bytesPerValue` says so. */
export function rowBytes(
  call: KernelCall,
  axis: AxisContext,
  options: { readonly input: number; readonly dim: number; readonly bytesPerValue?: number },
): number {
  const { input, dim } = options;
  const { shape, dtype } = inputAt(call, input);
  return shape.reduce(
    (bytes, size, other) => (other === dim ? bytes : (bytes * size) / axis.piecesByOthers(input, other)),
    options.bytesPerValue ?? util.bytesPerElement(dtype),
  );
}

/** Bytes that a rank sends for an all-reduce of `bytes` over `numRanks`. */
export function allReduceBytes(bytes: number, numRanks: number): number {
  return (2 * bytes * (numRanks - 1)) / numRanks;
}

/** Bytes that a rank sends for an all-gather to which each of `numRanks` gives `bytes`. */
export function allGatherBytes(bytes: number, numRanks: number): number {
  return bytes * (numRanks - 1);
}

/** Reduces a local tensor over all `groups`, of which there is one at least. Disposes it; the caller owns the result. */
export function allReduced(
  kernels: LocalKernels,
  info: TensorInfo,
  groups: readonly ProcessGroup[],
  options: { readonly op: PartialOp; readonly label: string },
): TensorInfo {
  const [first, ...rest] = groups as readonly [ProcessGroup, ...ProcessGroup[]];
  const reduced = kernels.create(info.shape, info.dtype, (out) => {
    first.allReduce(kernels.view(info), { ...options, into: out });
    for (const group of rest) group.allReduce(out, options);
  });
  kernels.dispose(info);
  return reduced;
}
