/**
 * The position of the largest or smallest element along a dim.
 *
 * Legend: R rows on a rank (every dim but the one that is searched).
 *
 * | split                      | local step                                         | communication             |
 * | -------------------------- | -------------------------------------------------- | ------------------------- |
 * | a dim that is not searched | the plain kernel                                   | none                      |
 * | the dim that is searched   | the best of the own part, then the best of the     | one all-gather of `[2 R]` |
 * |                            | ranks' in their order: the first of equal ones wins | (values and positions)   |
 *
 * As in tfjs, NaN is never larger or smaller than anything, except that a row that begins with it answers 0.
 *
 * @packageDocumentation
 */
import type { ProcessGroup } from "@meshwright/core";
import type { TensorInfo } from "@tensorflow/tfjs";
import { numElements } from "../layout.ts";
import { dimAttr, inputAt } from "./attributes.ts";
import { bitsOf, floatKey, isNaNBits } from "./order-key.ts";
import { emptyOutputs } from "./empty-outputs.ts";
import type { AxisContext, AxisStrategy, KernelCall, LocalCall, LocalKernels, Rule } from "./rule.ts";
import { allGatherBytes, groupsAlong, isSplit, rowBytes, stridesAlong, type Strides } from "./split-dim.ts";
import { sharded } from "./strategy.ts";

/** Rule of `ArgMax` and `ArgMin`. */
export const positionRules: readonly Rule[] = [
  {
    kernels: ["ArgMax", "ArgMin"],
    outputs: (call) => [{ shape: inputAt(call, 0).shape.toSpliced(searchedDim(call), 1), dtype: "int32" }],
    strategies: (call, axis) => {
      const dim = searchedDim(call);
      return [
        ...inputAt(call, 0).shape.flatMap((_, other) =>
          other === dim ? [] : [sharded([other], [other < dim ? other : other - 1])],
        ),
        splitSearch(call, axis, dim),
      ];
    },
    local: search,
    isPlain: ({ call, inputs }) => !isSplit(inputs[0]!, searchedDim(call)),
    communicates: true,
    attrsKey: (attrs) => String(attrs.axis),
  },
];

/** tfjs passes a number; its kernels also take a list of one. */
function searchedDim(call: KernelCall): number {
  const { axis } = call.attrs;
  const { shape } = inputAt(call, 0);
  return dimAttr(
    Array.isArray(axis) ? { ...call, attrs: { axis: axis[0] as unknown } } : call,
    "axis",
    shape.length,
    0,
  );
}

function splitSearch(call: KernelCall, axis: AxisContext, dim: number): AxisStrategy {
  const bytes = rowBytes(call, axis, { input: 0, dim, bytesPerValue: 8 });
  return { ...sharded([dim], [undefined]), localBytes: allGatherBytes(bytes, axis.size) };
}

function search(kernels: LocalKernels, inputs: readonly TensorInfo[], local: LocalCall): TensorInfo[] {
  const { call } = local;
  const layout = local.inputs[0]!;
  const dim = searchedDim(call);
  const groups = groupsAlong(local, layout, dim);
  const output = local.outputs[0]!;
  if (numElements(output.localShape) === 0) return emptyOutputs(kernels, local);
  const label = `positions of ${call.kernel} along dim ${dim} of [${layout.shape.join(", ")}]`;
  const part = {
    first: layout.offset[dim]!,
    findsSmallest: call.kernel === "ArgMin",
    isFloat: layout.dtype === "float32",
  };
  const strides = stridesAlong(layout.localShape, dim);
  const mine = bestOfPart(kernels, inputs[0]!, strides, { ...part, kernel: call.kernel, dim });
  const best = bestOfRanks(mine, groups, label);
  return [
    kernels.create(output.localShape, output.dtype, (out) => {
      out.set(best.subarray(out.length));
    }),
  ];
}

/** Per row, the key of the best element (larger is better), then the global position of it; -1: no element. */
type Best = Int32Array;

const SMALLEST = -(2 ** 31);
const LARGEST = 2 ** 31 - 1;

interface Part {
  /** Global position of the part's first element. */
  readonly first: number;
  readonly findsSmallest: boolean;
  readonly isFloat: boolean;
}

/** The engine finds the positions; only rows in which it met NaN are searched again. */
function bestOfPart(
  kernels: LocalKernels,
  x: TensorInfo,
  { outer, size, inner }: Strides,
  part: Part & { readonly kernel: string; readonly dim: number },
): Best {
  const numRows = outer * inner;
  const best = new Int32Array(2 * numRows).fill(SMALLEST, 0, numRows).fill(-1, numRows);
  if (size === 0) return best;
  const [found] = kernels.run(part.kernel, { x }, { axis: part.dim }) as [TensorInfo];
  const positions = Int32Array.from(kernels.view(found));
  kernels.dispose(found);
  const bits = bitsOf(kernels.view(x));
  for (let row = 0; row < numRows; row++) {
    const start = Math.floor(row / inner) * size * inner + (row % inner);
    let at = positions[row]!;
    if (part.isFloat && isNaNBits(bits[start + at * inner]!))
      at = searchRow(bits, start, { size, inner }, part);
    best[row] = keyOf(bits[start + at * inner]!, part, at);
    best[numRows + row] = part.first + at;
  }
  return best;
}

/** The first element of a row that beats all others; NaN beats none, unless the whole row begins with it. */
function searchRow(
  bits: Int32Array,
  start: number,
  { size, inner }: Pick<Strides, "size" | "inner">,
  part: Part,
): number {
  let best = 0;
  let bestKey = keyOf(bits[start]!, part, 0);
  for (let i = 1; i < size; i++) {
    const key = keyOf(bits[start + i * inner]!, part, i);
    if (key <= bestKey) continue;
    best = i;
    bestKey = key;
  }
  return best;
}

function keyOf(bits: number, { isFloat, findsSmallest, first }: Part, i: number): number {
  if (isFloat && isNaNBits(bits)) return first + i === 0 ? LARGEST : SMALLEST;
  const key = isFloat ? floatKey(bits) : bits;
  return findsSmallest ? ~key : key;
}

/** The best of all ranks; the innermost cut first. */
function bestOfRanks(mine: Best, groups: readonly ProcessGroup[], label: string): Best {
  let best = mine;
  const numRows = mine.length / 2;
  for (const group of groups.toReversed()) {
    const all = group.allGather(best, { label });
    best = all.slice(0, mine.length);
    for (let start = mine.length; start < all.length; start += mine.length) {
      for (let row = 0; row < numRows; row++) {
        const position = all[start + numRows + row]!;
        if (position < 0) continue;
        if (best[numRows + row]! >= 0 && all[start + row]! <= best[row]!) continue;
        best[row] = all[start + row]!;
        best[numRows + row] = position;
      }
    }
  }
  return best;
}
