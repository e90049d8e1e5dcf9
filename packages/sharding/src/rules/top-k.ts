/**
 * The k largest elements of each row, and where they stand.
 *
 * Legend: R rows on a rank, k = elements wanted per row.
 *
 * | split              | local step                                            | communication                |
 * | ------------------ | ----------------------------------------------------- | ---------------------------- |
 * | a dim of rows      | the plain kernel                                      | none                         |
 * | the dim of a row   | the k largest of the own part, then those of all      | one all-gather of `[2 R k]`  |
 * |                    | ranks' candidates: larger first, among equal ones the | (values and positions)       |
 * |                    | first                                                 |                              |
 *
 * The result of the second is whole. An unsorted result (`sorted: false`) has the order of one rank's algorithm, so
 * there the dim of a row stays whole.
 *
 * @packageDocumentation
 */
import type { NumericArray, ProcessGroup } from "@meshwright/core";
import type { TensorInfo } from "@tensorflow/tfjs";
import { numElements } from "../layout.ts";
import { inputAt, integerAttr } from "./attributes.ts";
import { mergeCandidates, padCandidates, type Candidates } from "./candidates.ts";
import { bitsOf } from "./order-key.ts";
import { emptyOutputs } from "./empty-outputs.ts";
import type { AxisContext, AxisStrategy, KernelCall, LocalCall, LocalKernels, Rule } from "./rule.ts";
import { allGatherBytes, groupsAlong, isSplit, rowBytes } from "./split-dim.ts";
import { dimsWhere, sharded } from "./strategy.ts";

/** Rule of `TopK`. */
export const topKRules: readonly Rule[] = [
  {
    kernels: ["TopK"],
    outputs: (call) => {
      const { shape: whole, dtype } = inputAt(call, 0);
      const shape = [...whole.slice(0, -1), integerAttr(call, "k")];
      return [
        { shape, dtype },
        { shape, dtype: "int32" },
      ];
    },
    strategies: (call, axis) => {
      const last = inputAt(call, 0).shape.length - 1;
      const byRows = dimsWhere(last, () => true).map((dim) => sharded([dim], [dim, dim]));
      return call.attrs.sorted === false ? byRows : [...byRows, splitRow(call, axis, last)];
    },
    local: topK,
    isPlain: ({ inputs }) => !isSplit(inputs[0]!, inputs[0]!.shape.length - 1),
    communicates: true,
    attrsKey: (attrs) => `${String(attrs.k)}${attrs.sorted === false ? "u" : ""}`,
  },
];

function splitRow(call: KernelCall, axis: AxisContext, dim: number): AxisStrategy {
  const bytes = rowBytes(call, axis, { input: 0, dim, bytesPerValue: 8 * integerAttr(call, "k") });
  return { ...sharded([dim], [undefined, undefined]), localBytes: allGatherBytes(bytes, axis.size) };
}

function topK(kernels: LocalKernels, inputs: readonly TensorInfo[], local: LocalCall): TensorInfo[] {
  const layout = local.inputs[0]!;
  const dim = layout.shape.length - 1;
  const groups = groupsAlong(local, layout, dim);
  const [values, positions] = local.outputs as readonly [typeof layout, typeof layout];
  if (numElements(values.localShape) === 0) return emptyOutputs(kernels, local);
  const label = `top ${integerAttr(local.call, "k")} of [${layout.shape.join(", ")}]`;
  const best = bestOfRanks(candidatesOfPart(kernels, inputs[0]!, local), groups, label);
  return [
    kernels.create(values.localShape, values.dtype, (out) => {
      writeBits(best.bits, out);
    }),
    kernels.create(positions.localShape, "int32", (out) => {
      out.set(best.positions);
    }),
  ];
}

function candidatesOfPart(kernels: LocalKernels, x: TensorInfo, local: LocalCall): Candidates {
  const layout = local.inputs[0]!;
  const k = integerAttr(local.call, "k");
  const size = layout.localShape.at(-1)!;
  const numRows = numElements(layout.localShape.slice(0, -1));
  const isFloat = layout.dtype === "float32";
  if (size === 0) return padCandidates(new Int32Array(0), new Int32Array(0), { k, numRows, isFloat });
  const found = kernels.run("TopK", { x }, { k: Math.min(k, size), sorted: true });
  const [values, positions] = found as [TensorInfo, TensorInfo];
  const bits = bitsOf(kernels.view(values));
  const shifted = Int32Array.from(kernels.view(positions), (at) => at + layout.offset.at(-1)!);
  const candidates = padCandidates(bits, shifted, { k, numRows, isFloat });
  for (const info of found) kernels.dispose(info);
  return candidates;
}

/** The innermost cut first: each exchange sends k elements per row again. */
function bestOfRanks(mine: Candidates, groups: readonly ProcessGroup[], label: string): Candidates {
  let best = mine;
  for (const group of groups.toReversed()) {
    best = mergeCandidates(group.allGather(best.buffer, { label }), group.size, best);
  }
  return best;
}

function writeBits(bits: Int32Array, out: NumericArray): void {
  if (out instanceof Float32Array) bitsOf(out).set(bits);
  else out.set(bits);
}
