/**
 * Kernels that move blocks of space into the batch, or into the channels, and back.
 *
 * | kernel           | moves                           | may be split                         |
 * | ---------------- | ------------------------------- | ------------------------------------ |
 * | `SpaceToBatchND` | the batch becomes the inner dim | the dims after the blocks            |
 * | `BatchToSpaceND` | the way back                    | the dims after the blocks            |
 * | `DepthToSpace`   | channels into rows and columns  | batch; rows, columns where p divides |
 *
 * All elements keep their values, so partial values pass; the zeros that `SpaceToBatchND` pads with fit sums alone.
 *
 * @packageDocumentation
 */
import { backend_util } from "@tensorflow/tfjs";
import { inputAt, integerAttr, numbersAttr } from "./attributes.ts";
import type { AxisContext, AxisStrategy, KernelCall, Rule } from "./rule.ts";
import { dimsWhere, partial, passPartials, sharded } from "./strategy.ts";

/** The dims after the batch and those that the blocks cut. */
function dimsAfterBlocks(call: KernelCall): AxisStrategy[] {
  const numBlockDims = numbersAttr(call, "blockShape").length;
  return dimsWhere(inputAt(call, 0).shape.length, (dim) => dim > numBlockDims).map((dim) =>
    sharded([dim], [dim]),
  );
}

function spaceToBatchShape(call: KernelCall): readonly number[] {
  const blocks = numbersAttr(call, "blockShape");
  const paddings = call.attrs.paddings as readonly (readonly [number, number])[];
  return inputAt(call, 0).shape.map((size, dim) => {
    if (dim === 0) return blocks.reduce((product, block) => product * block, size);
    const padding = paddings[dim - 1];
    return padding === undefined ? size : (size + padding[0] + padding[1]) / blocks[dim - 1]!;
  });
}

function batchToSpaceShape(call: KernelCall): readonly number[] {
  const blocks = numbersAttr(call, "blockShape");
  const { shape } = inputAt(call, 0);
  const product = blocks.reduce((a, b) => a * b, 1);
  const permuted = backend_util.getReshapedPermuted([...shape], [...blocks], product);
  const crops = call.attrs.crops as number[][];
  return [...backend_util.getSliceSize(permuted, crops, blocks.length), ...shape.slice(blocks.length + 1)];
}

/** Rows and columns are cut between blocks. */
function depthToSpaceSplits(call: KernelCall, axis: AxisContext): AxisStrategy[] {
  const { shape } = inputAt(call, 0);
  return [0, 1, 2]
    .filter((dim) => dim === 0 || shape[dim]! % (axis.size * axis.piecesByOthers(0, dim)) === 0)
    .map((dim) => sharded([dim], [dim]));
}

/** Rules of the kernels above. */
export const spaceToBatchRules: readonly Rule[] = [
  {
    kernels: ["SpaceToBatchND"],
    outputs: (call) => [{ shape: spaceToBatchShape(call), dtype: inputAt(call, 0).dtype }],
    strategies: (call) => [...dimsAfterBlocks(call), partial(["sum"], ["sum"])],
    attrsKey: ({ blockShape, paddings }) => `${String(blockShape)}/${String(paddings)}`,
  },
  {
    kernels: ["BatchToSpaceND"],
    outputs: (call) => [{ shape: batchToSpaceShape(call), dtype: inputAt(call, 0).dtype }],
    strategies: (call) => [...dimsAfterBlocks(call), ...passPartials(1, 1)],
    attrsKey: ({ blockShape, crops }) => `${String(blockShape)}/${String(crops)}`,
  },
  {
    kernels: ["DepthToSpace"],
    outputs: (call) => {
      const { shape, dtype } = inputAt(call, 0);
      const block = integerAttr(call, "blockSize");
      return [
        { shape: [shape[0]!, shape[1]! * block, shape[2]! * block, shape[3]! / (block * block)], dtype },
      ];
    },
    strategies: (call, axis) =>
      call.attrs.dataFormat === "NHWC" ? [...depthToSpaceSplits(call, axis), ...passPartials(1, 1)] : [],
    attrsKey: ({ blockSize, dataFormat }) => `${String(blockSize)}/${String(dataFormat)}`,
  },
];
