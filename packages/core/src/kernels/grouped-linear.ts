/**
 * One matrix product per group of neighbouring rows, each with a matrix of its own, and the gradient of the matrices.
 *
 * Legend: E = groups (experts), N = rows, `n_e` = rows of group `e`, I = input features, O = output features.
 *
 * ```text
 * GroupedLinear             y_e = x_e W_e        [n_e, I] x [I, O] -> [n_e, O]     W is stored [E, O, I] with transposeW
 * GroupedLinearGradWeight   g_e = x_e^T dy_e     [I, n_e] x [n_e, O] -> [I, O]
 *
 * backward of GroupedLinear             dx = GroupedLinear(dy, W^T);  dW = GroupedLinearGradWeight(x, dy)
 * backward of GroupedLinearGradWeight   dx = GroupedLinear(dy, g^T);  d(dy) = GroupedLinear(x, g)
 * ```
 *
 * Rows are sorted by group; no group is padded, and one without rows costs nothing but the zeros of its gradient.
 *
 * @see Gale et al. 2022, "MegaBlocks", section 4, https://arxiv.org/abs/2211.15841
 * @packageDocumentation
 */
import { engine, type GradConfig, type Tensor, type TensorInfo } from "@tensorflow/tfjs";
import { ContractError } from "../errors.ts";
import { kernelsOf, release, type RunKernel } from "./linear.ts";
import type { KernelMemory, ReferenceKernel } from "./reference.ts";
import { requireDtype } from "./shape-check.ts";

/** Output: one tensor, `[N, O]`. */
export const GROUPED_LINEAR = "GroupedLinear";
/** Output: one tensor, `[E, I, O]`. */
export const GROUPED_LINEAR_GRAD_WEIGHT = "GroupedLinearGradWeight";

/** `x: [N, I]`, `w: [E, I, O]` (`[E, O, I]` with `transposeW`). */
export type GroupedLinearInputs = Record<"x" | "w", TensorInfo>;
/** `x: [N, I]`, `dy: [N, O]`. */
export type GroupedLinearGradWeightInputs = Record<"x" | "dy", TensorInfo>;
/* eslint-disable @typescript-eslint/consistent-type-definitions -- an interface does not fit NamedAttrMap */
/** `counts`: rows of each group, `[E]`; `transposeW`: `w` is stored `[E, O, I]`. */
export type GroupedLinearAttrs = { readonly counts: number[]; readonly transposeW: boolean };
/** `counts`: rows of each group, `[E]`. */
export type GroupedLinearGradWeightAttrs = { readonly counts: number[] };
/* eslint-enable @typescript-eslint/consistent-type-definitions */

/**
 * Each row times the matrix of its group.
 *
 * @param x - `[N, I]` float32, sorted by group
 * @param w - `[E, I, O]` float32, or `[E, O, I]` with `transposeW`
 * @param options - `counts`: rows of each group, `[E]`
 * @returns `[N, O]`; the caller's scope owns it
 * @throws ContractError if the counts are no counts or do not add up to N, a shape does not fit, or an input is not
 * float32.
 * @example
 * ```ts
 * const w = tf.tensor3d([[[2]], [[10]]]); // two groups that scale
 * groupedLinear(tf.tensor2d([[1], [2], [3]]), w, { counts: [2, 1] }); // [[2], [4], [30]]
 * ```
 */
export function groupedLinear(
  x: Tensor,
  w: Tensor,
  options: { readonly counts: ArrayLike<number>; readonly transposeW?: boolean },
): Tensor {
  const { transposeW = false } = options;
  const counts = Array.from(options.counts);
  checkGroups(x, w, { counts, transposeW });
  return run(x, w, { counts, transposeW });
}

function run(x: Tensor, w: Tensor, attrs: GroupedLinearAttrs): Tensor {
  return engine().runKernel<Tensor>(GROUPED_LINEAR, { x, w }, attrs);
}

function gradWeight(x: Tensor, dy: Tensor, counts: number[]): Tensor {
  const attrs: GroupedLinearGradWeightAttrs = { counts };
  return engine().runKernel<Tensor>(GROUPED_LINEAR_GRAD_WEIGHT, { x, dy }, attrs);
}

/** Input and weight gradient are kernels of their own, so that either can be had without the other. */
export const groupedLinearGradConfig: GradConfig = {
  kernelName: GROUPED_LINEAR,
  inputsToSave: ["x", "w"],
  gradFunc: (dy, saved, attrs) => {
    const [x, w] = saved as [Tensor, Tensor];
    const { counts, transposeW } = attrs as GroupedLinearAttrs;
    return {
      x: () => run(dy as Tensor, w, { counts, transposeW: !transposeW }),
      w: () => (transposeW ? gradWeight(dy as Tensor, x, counts) : gradWeight(x, dy as Tensor, counts)),
    };
  },
};

/** Both gradients are grouped products again. */
export const groupedLinearGradWeightGradConfig: GradConfig = {
  kernelName: GROUPED_LINEAR_GRAD_WEIGHT,
  inputsToSave: ["x", "dy"],
  gradFunc: (dg, saved, attrs) => {
    const [x, dy] = saved as [Tensor, Tensor];
    const { counts } = attrs as GroupedLinearGradWeightAttrs;
    return {
      x: () => run(dy, dg as Tensor, { counts, transposeW: true }),
      dy: () => run(x, dg as Tensor, { counts, transposeW: false }),
    };
  },
};

/** Rows of a group that has any. */
export interface RowGroup {
  readonly group: number;
  /** Its first row. */
  readonly start: number;
  readonly count: number;
}

/** The groups that have rows, in order. */
export function filledGroups(counts: readonly number[]): RowGroup[] {
  const groups: RowGroup[] = [];
  let start = 0;
  counts.forEach((count, group) => {
    if (count > 0) groups.push({ group, start, count });
    start += count;
  });
  return groups;
}

/** `GroupedLinear` by the engine's own `Slice`, `BatchMatMul` and `Concat`. */
export const groupedLinearReference: ReferenceKernel = {
  kernelName: GROUPED_LINEAR,
  kernelFunc:
    (memory) =>
    ({ inputs, attrs, backend }) => {
      const { x, w } = inputs as GroupedLinearInputs;
      const { counts, transposeW } = attrs as GroupedLinearAttrs;
      const kernels = kernelsOf(backend);
      const columns = w.shape[transposeW ? 1 : 2]!;
      const parts = filledGroups(counts).map(({ group, start, count }) => {
        const rows = sliceRows(kernels, x, { start, count });
        const matrix = sliceRows(kernels, w, { start: group, count: 1 });
        const folded = kernels("Reshape", { x: matrix }, { shape: w.shape.slice(1) });
        const attributes = { transposeA: false, transposeB: transposeW };
        const y = kernels("BatchMatMul", { a: rows, b: folded }, attributes); // [n, I] x [I, O] -> [n, O]
        for (const info of [rows, matrix, folded]) release(info, backend);
        return y;
      });
      return joined(kernels, parts, { shape: [x.shape[0]!, columns], memory, backend });
    },
};

/** `GroupedLinearGradWeight` by the engine's own `Slice`, `BatchMatMul` and `Concat`. */
export const groupedLinearGradWeightReference: ReferenceKernel = {
  kernelName: GROUPED_LINEAR_GRAD_WEIGHT,
  kernelFunc:
    (memory) =>
    ({ inputs, attrs, backend }) => {
      const { x, dy } = inputs as GroupedLinearGradWeightInputs;
      const { counts } = attrs as GroupedLinearGradWeightAttrs;
      const kernels = kernelsOf(backend);
      const shape = [x.shape[1]!, dy.shape[1]!];
      let start = 0;
      const parts = counts.map((count) => {
        if (count === 0) return zeros(memory, shape);
        const [a, b] = [x, dy].map((t) => sliceRows(kernels, t, { start, count })) as [
          TensorInfo,
          TensorInfo,
        ];
        start += count;
        const g = kernels("BatchMatMul", { a, b }, { transposeA: true, transposeB: false }); // [I, n] x [n, O] -> [I, O]
        for (const info of [a, b]) release(info, backend);
        return g;
      });
      const flat = joined(kernels, parts, { shape: [counts.length * shape[0]!, shape[1]!], memory, backend });
      const g = kernels("Reshape", { x: flat }, { shape: [counts.length, ...shape] });
      release(flat, backend);
      return g;
    },
};

function sliceRows(
  kernels: RunKernel,
  x: TensorInfo,
  { start, count }: Pick<RowGroup, "start" | "count">,
): TensorInfo {
  const rest = x.shape.slice(1);
  const box = { begin: [start, ...rest.map(() => 0)], size: [count, ...rest] };
  return kernels("Slice", { x }, box);
}

/** Joins the rows of the parts, which it gives up. */
function joined(
  kernels: RunKernel,
  parts: readonly TensorInfo[],
  {
    shape,
    memory,
    backend,
  }: { readonly shape: number[]; readonly memory: KernelMemory; readonly backend: object },
): TensorInfo {
  if (parts.length === 0) return zeros(memory, shape);
  if (parts.length === 1) return parts[0]!;
  const whole = kernels("Concat", parts, { axis: 0 });
  for (const part of parts) release(part, backend);
  return whole;
}

function zeros(memory: KernelMemory, shape: readonly number[]): TensorInfo {
  return memory.create(shape, "float32", (out) => out.fill(0));
}

function checkGroups(x: Tensor, w: Tensor, { counts, transposeW }: GroupedLinearAttrs): void {
  const where = "groupedLinear";
  requireDtype(`${where}: x`, x, "float32");
  requireDtype(`${where}: w`, w, "float32");
  const fits = w.rank === 3 && x.rank === 2 && w.shape[0] === counts.length;
  if (!fits || x.shape[1] !== w.shape[transposeW ? 2 : 1]) {
    const [inFeatures, form] = [x.shape.at(-1) ?? "I", transposeW ? "O, " : ""];
    throw new ContractError(
      `${where}: w (shape [${w.shape.join(", ")}]) must have shape [${counts.length}, ${form}${inFeatures}${transposeW ? "" : ", O"}], one matrix per group over the last dim of x (shape [${x.shape.join(", ")}]); use matching sizes.`,
    );
  }
  const group = counts.findIndex((count) => !Number.isInteger(count) || count < 0);
  if (group >= 0) {
    throw new ContractError(
      `${where}: counts[${group}] (${counts[group]!}) must be an integer of at least 0; use the number of rows of each group.`,
    );
  }
  const numRows = counts.reduce((sum, count) => sum + count, 0);
  if (numRows === x.shape[0]) return;
  throw new ContractError(
    `${where}: counts (sum ${numRows}) must add up to the rows of x (${x.shape[0]}); use the counts of the permutation that sorted them.`,
  );
}
