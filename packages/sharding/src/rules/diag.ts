/**
 * A matrix with given diagonal: rank `r` makes its rows from its part of the diagonal.
 *
 * ```
 *   [d0 d1 | d2 d3]   ->   rank 0  [d0  .  .  . ]    the plain kernel gives the square block,
 *                                  [ . d1  .  . ]    zeros go left and right of it
 *                          rank 1  [ .  . d2  . ]
 *                                  [ .  .  . d3 ]
 * ```
 *
 * @packageDocumentation
 */
import type { TensorInfo } from "@tensorflow/tfjs";
import { inputAt } from "./attributes.ts";
import type { LocalCall, LocalKernels, Rule } from "./rule.ts";
import { partial, sharded } from "./strategy.ts";

function localRows(kernels: LocalKernels, [x]: readonly TensorInfo[], { inputs }: LocalCall): TensorInfo[] {
  const { shape, localShape, offset } = inputs[0]!;
  const block = kernels.run("Diag", { x: x! });
  if (localShape.join() === shape.join()) return block;
  const [before, size] = [offset[0]!, localShape[0]!];
  const paddings = [
    [0, 0],
    [before, shape[0]! - before - size],
  ];
  const rows = kernels.run("PadV2", { x: block[0]! }, { paddings, constantValue: 0 });
  kernels.dispose(block[0]!);
  return rows;
}

/** Rule of `Diag`. Of a tensor with several dims the diagonal is not contiguous, so those stay whole. */
export const diagRules: readonly Rule[] = [
  {
    kernels: ["Diag"],
    outputs: (call) => {
      const { shape, dtype } = inputAt(call, 0);
      return [{ shape: [...shape, ...shape], dtype }];
    },
    strategies: (call) => [
      ...(inputAt(call, 0).shape.length === 1 ? [sharded([0], [0])] : []),
      partial(["sum"], ["sum"]),
    ],
    local: localRows,
    attrsKey: () => "",
  },
];
