/**
 * Transpose of 32-bit elements: runs where the innermost dim stays, 4 x 4 tiles where it moves.
 *
 * @packageDocumentation
 */
import { util, type TensorInfo } from "@tensorflow/tfjs";
import { forEachPoint, joinDims, sizeOf, stridesOf, type Loop } from "../shape.ts";
import { wasmKernel, type WasmContext } from "./wasm-kernel.ts";

/** `out[i_perm[0], i_perm[1], ...] = x[i_0, i_1, ...]`. */
export const transpose = wasmKernel<Record<"x", TensorInfo>, { perm: number[] }>("Transpose", (call) => {
  const { x } = call.inputs;
  if (x.dtype === "string" || util.bytesPerElement(x.dtype) !== 4) return call.stock();
  return permute(call, x, call.attrs.perm);
});

function permute(context: WasmContext, x: TensorInfo, perm: readonly number[]): TensorInfo {
  const { heap } = context;
  const shape = perm.map((dim) => x.shape[dim]!);
  const strides = stridesOf(x.shape);
  const loop = joinDims({ sizes: shape, steps: [perm.map((dim) => strides[dim]!), stridesOf(shape)] });
  const [from] = loop.steps as [readonly number[], readonly number[]];
  // Nothing but dims of size 1 moved: the same elements in the same order.
  if (loop.sizes.length === 0 || (loop.sizes.length === 1 && from[0] === 1)) return heap.alias(x, shape);
  const out = heap.output(shape, x.dtype);
  if (sizeOf(shape) === 0) return out;
  if (from.at(-1) === 1) moveRuns(context, loop, { x, out });
  else moveTiles(context, loop, { x, out });
  return out;
}

interface Move {
  readonly x: TensorInfo;
  readonly out: TensorInfo;
}

function moveRuns({ heap, kernels }: WasmContext, loop: Loop, { x, out }: Move): void {
  const [source, target] = [heap.address(x), heap.address(out)];
  const { sizes, steps } = loop;
  const row = sizes.length - 2;
  forEachPoint(without(loop, [row, row + 1]), ([a, b]) => {
    kernels.copyRows(
      source + 4 * a!,
      4 * steps[0]![row]!,
      target + 4 * b!,
      4 * steps[1]![row]!,
      sizes[row]!,
      4 * sizes[row + 1]!,
    );
  });
}

function moveTiles({ heap, kernels }: WasmContext, loop: Loop, { x, out }: Move): void {
  const [source, target] = [heap.address(x), heap.address(out)];
  const { sizes, steps } = loop;
  // Rows of the source run along the target's last dim; its columns are contiguous.
  const row = sizes.length - 1;
  const column = steps[0]!.indexOf(1);
  forEachPoint(without(loop, [row, column]), ([a, b]) => {
    kernels.transpose(
      source + 4 * a!,
      steps[0]![row]!,
      target + 4 * b!,
      steps[1]![column]!,
      sizes[row]!,
      sizes[column]!,
    );
  });
}

function without({ sizes, steps }: Loop, dims: readonly number[]): Loop {
  const keep = (_: number, dim: number): boolean => !dims.includes(dim);
  return { sizes: sizes.filter(keep), steps: steps.map((step) => step.filter(keep)) };
}
