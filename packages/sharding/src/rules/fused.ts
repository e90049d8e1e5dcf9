/**
 * Meshwright's fused kernels.
 *
 * Legend: T = any leading dims, D = features, V = vocabulary.
 *
 * | kernel             | inputs                                       | outputs                            |
 * | ------------------ | -------------------------------------------- | ---------------------------------- |
 * | `LayerNorm`        | `x [T, D]`, `gamma`, `beta [D]`              | `y [T, D]`, `mean`, `rstd [T]`     |
 * | `LayerNormGrad`    | `dy`, `x [T, D]`, `gamma`, `mean`, `rstd`    | `dx [T, D]`, `dgamma`, `dbeta [D]` |
 * | `RMSNorm`          | `x [T, D]`, `gamma [D]`                      | `y [T, D]`, `rstd [T]`             |
 * | `RMSNormGrad`      | `dy`, `x [T, D]`, `gamma`, `rstd`            | `dx [T, D]`, `dgamma [D]`          |
 * | `CrossEntropy`     | `logits [T, V]`, `labels [T]`                | `loss`, `logSumExp [T]`            |
 * | `CrossEntropyGrad` | `dy [T]`, `logits`, `labels`, `logSumExp`    | `dlogits [T, V]`                   |
 * | `Gelu`             | `x`                                          | `y`                                |
 * | `GeluGrad`         | `dy`, `x`                                    | `dx`                               |
 * | `AdamWUpdate`      | `parameter`, `gradient`, `m`, `v`            | `parameter`, `m`, `v`              |
 *
 * Leading dims may be split; the gradients of parameters that every row shares are then `Partial("sum")`. The gradient
 * kernels are linear in `dy`, but do not take it partial: it is reduced here, once, instead of in each consumer.
 *
 * @packageDocumentation
 */
import { Partial, Replicate, Shard } from "../placement.ts";
import { inputAt } from "./attributes.ts";
import { pointwiseRule } from "./pointwise.ts";
import type { AxisStrategy, KernelCall, Rule, TensorSpec } from "./rule.ts";
import { dimsWhere, sharded } from "./strategy.ts";

/** What becomes of a tensor when a leading dim is split: split alike, the same everywhere, or a partial sum. */
type Part = "split" | "whole" | "sum";

/** A kernel over rows, as the parts that its inputs and outputs play. */
interface RowKernel {
  readonly kernel: string;
  readonly inputs: readonly Part[];
  readonly outputs: readonly Part[];
  /** Index of the input whose leading dims are the rows. */
  readonly rows: number;
  readonly specs: (call: KernelCall) => readonly TensorSpec[];
}

function rowKernelRule({ kernel, inputs, outputs, rows, specs }: RowKernel): Rule {
  return {
    kernels: [kernel],
    outputs: specs,
    strategies: (call) =>
      dimsWhere(inputAt(call, rows).shape.length - 1, () => true).map((dim): AxisStrategy => ({
        inputs: inputs.map((part) => placementOf(part, dim)),
        outputs: outputs.map((part) => placementOf(part, dim)),
      })),
    attrsKey: () => "",
  };
}

function placementOf(part: Part, dim: number): AxisStrategy["inputs"][number] {
  switch (part) {
    case "split":
      return Shard(dim);
    case "whole":
      return Replicate();
    case "sum":
      return Partial("sum");
  }
}

function float(shape: readonly number[]): TensorSpec {
  return { shape, dtype: "float32" };
}

function leading(call: KernelCall, index: number): TensorSpec {
  return float(inputAt(call, index).shape.slice(0, -1));
}

/** Rules of the kernels above. */
export const fusedRules: readonly Rule[] = [
  pointwiseRule({ kernels: ["Gelu", "GeluGrad"] }),
  rowKernelRule({
    kernel: "LayerNorm",
    inputs: ["split", "whole", "whole"],
    outputs: ["split", "split", "split"],
    rows: 0,
    specs: (call) => [inputAt(call, 0), leading(call, 0), leading(call, 0)],
  }),
  rowKernelRule({
    kernel: "LayerNormGrad",
    inputs: ["split", "split", "whole", "split", "split"],
    outputs: ["split", "sum", "sum"],
    rows: 1,
    specs: (call) => [inputAt(call, 1), inputAt(call, 2), inputAt(call, 2)],
  }),
  rowKernelRule({
    kernel: "RMSNorm",
    inputs: ["split", "whole"],
    outputs: ["split", "split"],
    rows: 0,
    specs: (call) => [inputAt(call, 0), leading(call, 0)],
  }),
  rowKernelRule({
    kernel: "RMSNormGrad",
    inputs: ["split", "split", "whole", "split"],
    outputs: ["split", "sum"],
    rows: 1,
    specs: (call) => [inputAt(call, 1), inputAt(call, 2)],
  }),
  rowKernelRule({
    kernel: "CrossEntropy",
    inputs: ["split", "split"],
    outputs: ["split", "split"],
    rows: 0,
    specs: (call) => [leading(call, 0), leading(call, 0)],
  }),
  rowKernelRule({
    kernel: "CrossEntropyGrad",
    inputs: ["split", "split", "split", "split"],
    outputs: ["split"],
    rows: 1,
    specs: (call) => [inputAt(call, 1)],
  }),
  {
    kernels: ["AdamWUpdate"],
    outputs: (call) => [inputAt(call, 0), inputAt(call, 2), inputAt(call, 3)],
    strategies: (call) =>
      inputAt(call, 0).shape.map((_, dim) => sharded([dim, dim, dim, dim], [dim, dim, dim])),
    // Step and learning rate change with every call and decide nothing.
    attrsKey: () => "",
  },
];
