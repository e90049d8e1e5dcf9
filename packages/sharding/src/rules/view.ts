/**
 * Views: the same elements under another shape or order.
 *
 * Every view passes partial values on, and every dim that it keeps may be split. `Reshape` keeps a dim that it merges
 * or splits only as the outermost of its group, and only where the pieces end at the same elements in both shapes:
 *
 * ```
 *   [B, T, 3 * H] -> [B * T, 3, H]        groups  (B T | B*T)  (3*H | 3 H)
 *    ^     ^          ^      ^            split dims that survive: B <-> B*T, 3*H <-> 3
 * ```
 *
 * @packageDocumentation
 */
import { util } from "@tensorflow/tfjs";
import { numElements } from "../layout.ts";
import { integerAttr, inputAt, numbersAttr } from "./attributes.ts";
import type { AxisContext, AxisStrategy, KernelCall, Rule } from "./rule.ts";
import { passPartials, sharded } from "./strategy.ts";

/** Rules of all views. */
export const viewRules: readonly Rule[] = [
  {
    kernels: ["Identity"],
    outputs: (call) => [inputAt(call, 0)],
    strategies: (call) => [
      ...inputAt(call, 0).shape.map((_, dim) => sharded([dim], [dim])),
      ...passPartials(1, 1),
    ],
    attrsKey: () => "",
  },
  {
    kernels: ["Transpose"],
    outputs: (call) => {
      const { shape, dtype } = inputAt(call, 0);
      return [{ shape: numbersAttr(call, "perm").map((dim) => shape[dim]!), dtype }];
    },
    strategies: (call) => [
      ...numbersAttr(call, "perm").map((from, to) => sharded([from], [to])),
      ...passPartials(1, 1),
    ],
    attrsKey: (attrs) => String(attrs.perm),
  },
  {
    kernels: ["ExpandDims"],
    outputs: (call) => {
      const { shape, dtype } = inputAt(call, 0);
      const dim = expandedDim(call);
      return [{ shape: [...shape.slice(0, dim), 1, ...shape.slice(dim)], dtype }];
    },
    strategies: (call) => {
      const expanded = expandedDim(call);
      return [
        ...inputAt(call, 0).shape.map((_, dim) => sharded([dim], [dim < expanded ? dim : dim + 1])),
        ...passPartials(1, 1),
      ];
    },
    attrsKey: (attrs) => String(attrs.dim),
    isReshape: true,
  },
  {
    kernels: ["Reshape"],
    outputs: (call) => [{ shape: targetShape(call), dtype: inputAt(call, 0).dtype }],
    strategies: (call, axis) => [...reshapeSplits(call, axis), ...passPartials(1, 1)],
    localAttrs: ({ outputs }) => ({ shape: outputs[0]!.localShape }),
    attrsKey: (attrs) => shapeKey(attrs.shape as readonly number[]),
    isReshape: true,
  },
];

/** As `join`, but in half the time; reshape is the most frequent kernel of a model, and next to free in plain tfjs. */
function shapeKey(shape: readonly number[]): string {
  let key = "";
  for (const size of shape) key += `,${size}`;
  return key;
}

/** A negative dim counts from the end of the *output*. */
function expandedDim(call: KernelCall): number {
  const dim = integerAttr(call, "dim");
  return dim < 0 ? dim + inputAt(call, 0).shape.length + 1 : dim;
}

function targetShape(call: KernelCall): readonly number[] {
  return util.inferFromImplicitShape([...numbersAttr(call, "shape")], numElements(inputAt(call, 0).shape));
}

function reshapeSplits(call: KernelCall, axis: AxisContext): AxisStrategy[] {
  const from = inputAt(call, 0).shape;
  const to = targetShape(call);
  return reshapeGroups(from, to)
    .filter((group) => {
      const [input, output] = [group.from[0]!, group.to[0]!];
      if (group.from.length === 1 && group.to.length === 1) return true;
      const pieces = axis.size * axis.piecesByOthers(0, input);
      return from[input]! % pieces === 0 && to[output]! % pieces === 0;
    })
    .map((group) => sharded([group.from[0]!], [group.to[0]!]));
}

/** Dims of both shapes that hold the same elements. */
export interface ReshapeGroup {
  readonly from: readonly number[];
  readonly to: readonly number[];
}

/**
 * The finest groups of consecutive dims with equal products, dims of size 1 left out. Empty shapes have none, unless
 * nothing changes: a product of zero says nothing about where the elements are.
 */
export function reshapeGroups(from: readonly number[], to: readonly number[]): ReshapeGroup[] {
  if (from.join() === to.join()) return from.map((_, dim) => ({ from: [dim], to: [dim] }));
  if (numElements(from) === 0) return [];
  const left = largeDims(from);
  const right = largeDims(to);
  const groups: ReshapeGroup[] = [];
  let i = 0;
  let j = 0;
  while (i < left.length && j < right.length) {
    const group = { from: [left[i]!], to: [right[j]!] };
    let a = from[left[i++]!]!;
    let b = to[right[j++]!]!;
    while (a !== b) {
      if (a < b) {
        group.from.push(left[i]!);
        a *= from[left[i++]!]!;
      } else {
        group.to.push(right[j]!);
        b *= to[right[j++]!]!;
      }
    }
    groups.push(group);
  }
  return groups;
}

function largeDims(shape: readonly number[]): number[] {
  return shape.flatMap((size, dim) => (size === 1 ? [] : [dim]));
}
