/**
 * Layer and root-mean-square normalisation over the last dim, and their gradients.
 *
 * Legend: T = any leading dims, D = features, R = rows on a rank.
 *
 * | kernel          | inputs                                    | outputs                            |
 * | --------------- | ----------------------------------------- | ---------------------------------- |
 * | `LayerNorm`     | `x [T, D]`, `gamma`, `beta [D]`           | `y [T, D]`, `mean`, `rstd [T]`     |
 * | `LayerNormGrad` | `dy`, `x [T, D]`, `gamma`, `mean`, `rstd` | `dx [T, D]`, `dgamma`, `dbeta [D]` |
 * | `RMSNorm`       | `x [T, D]`, `gamma [D]`                   | `y [T, D]`, `rstd [T]`             |
 * | `RMSNormGrad`   | `dy`, `x [T, D]`, `gamma`, `rstd`         | `dx [T, D]`, `dgamma [D]`          |
 *
 * | split       | gradients of `gamma`, `beta` | communication                                             |
 * | ----------- | ---------------------------- | --------------------------------------------------------- |
 * | leading dim | `Partial("sum")`             | none                                                      |
 * | features    | split like the features      | `LayerNorm`: one all-gather of `[1 + 2 R]`                |
 * |             |                              | `RMSNorm`, `RMSNormGrad`: one all-reduce of `[R]`         |
 * |             |                              | `LayerNormGrad`: one all-reduce of `[2 R]`                |
 *
 * The gradient kernels are linear in `dy`, but do not take it partial: it is reduced here, once, instead of in each
 * consumer.
 *
 * @packageDocumentation
 */
import type { NormStep } from "./norm-step.ts";
import { layerNormGradStep, layerNormStep, rmsNormGradStep, rmsNormStep } from "./norm-step.ts";
import { numElements } from "../layout.ts";
import { Partial, Replicate, Shard, type Placement } from "../placement.ts";
import { inputAt } from "./attributes.ts";
import { emptyOutputs } from "./empty-outputs.ts";
import type { AxisContext, AxisStrategy, KernelCall, Rule, TensorSpec } from "./rule.ts";
import { allGatherBytes, allReduceBytes, groupsAlong, isSplit, rowBytes } from "./split-dim.ts";
import { dimsWhere } from "./strategy.ts";

/** What a tensor is to the kernel: rows of features, one value per row, or one per feature. */
type Part = "rows" | "perRow" | "perFeature";

interface NormKernel {
  readonly kernel: string;
  readonly inputs: readonly Part[];
  readonly outputs: readonly Part[];
  /** Index of an input `[T, D]`. */
  readonly rows: number;
  readonly specs: (call: KernelCall) => readonly TensorSpec[];
  /** Bytes that the step sends when the features are split, if one value per row takes `perRow` bytes. */
  readonly sent: (perRow: number, numRanks: number) => number;
  readonly step: NormStep;
}

/** Rules of the kernels above. */
export const normRules: readonly Rule[] = [
  normRule({
    kernel: "LayerNorm",
    inputs: ["rows", "perFeature", "perFeature"],
    outputs: ["rows", "perRow", "perRow"],
    rows: 0,
    specs: (call) => [inputAt(call, 0), perRow(call), perRow(call)],
    sent: (bytes, numRanks) => allGatherBytes(2 * bytes + 4, numRanks),
    step: layerNormStep,
  }),
  normRule({
    kernel: "LayerNormGrad",
    inputs: ["rows", "rows", "perFeature", "perRow", "perRow"],
    outputs: ["rows", "perFeature", "perFeature"],
    rows: 1,
    specs: (call) => [inputAt(call, 1), inputAt(call, 2), inputAt(call, 2)],
    sent: (bytes, numRanks) => allReduceBytes(2 * bytes, numRanks),
    step: layerNormGradStep,
  }),
  normRule({
    kernel: "RMSNorm",
    inputs: ["rows", "perFeature"],
    outputs: ["rows", "perRow"],
    rows: 0,
    specs: (call) => [inputAt(call, 0), perRow(call)],
    sent: allReduceBytes,
    step: rmsNormStep,
  }),
  normRule({
    kernel: "RMSNormGrad",
    inputs: ["rows", "rows", "perFeature", "perRow"],
    outputs: ["rows", "perFeature"],
    rows: 1,
    specs: (call) => [inputAt(call, 1), inputAt(call, 2)],
    sent: allReduceBytes,
    step: rmsNormGradStep,
  }),
];

function perRow(call: KernelCall): TensorSpec {
  return { shape: inputAt(call, 0).shape.slice(0, -1), dtype: "float32" };
}

function normRule(norm: NormKernel): Rule {
  const featureDim = (call: KernelCall): number => inputAt(call, norm.rows).shape.length - 1;
  return {
    kernels: [norm.kernel],
    outputs: norm.specs,
    strategies: (call, axis) => [
      ...dimsWhere(featureDim(call), () => true).map((dim) => splitRows(norm, dim)),
      splitFeatures(norm, call, axis),
    ],
    local: (kernels, inputs, local) => {
      const layout = local.inputs[norm.rows]!;
      const groups = groupsAlong(local, layout, featureDim(local.call));
      const numRows = numElements(layout.localShape.slice(0, -1));
      // The gradients of no rows are sums of nothing.
      if (numRows === 0) return emptyOutputs(kernels, local);
      const label = `row statistics of ${norm.kernel} of [${layout.shape.join(", ")}]`;
      return norm.step(kernels, inputs, { local, groups, label, numRows, numFeatures: layout.shape.at(-1)! });
    },
    isPlain: ({ call, inputs }) => !isSplit(inputs[norm.rows]!, featureDim(call)),
    communicates: true,
    attrsKey: () => "",
  };
}

function splitRows({ inputs, outputs }: NormKernel, dim: number): AxisStrategy {
  const place = (perFeature: Placement) => (part: Part) => (part === "perFeature" ? perFeature : Shard(dim));
  return { inputs: inputs.map(place(Replicate())), outputs: outputs.map(place(Partial("sum"))) };
}

function splitFeatures(norm: NormKernel, call: KernelCall, axis: AxisContext): AxisStrategy {
  const dim = inputAt(call, norm.rows).shape.length - 1;
  const places: Readonly<Record<Part, Placement>> = {
    rows: Shard(dim),
    perRow: Replicate(),
    perFeature: Shard(0),
  };
  return {
    inputs: norm.inputs.map((part) => places[part]),
    outputs: norm.outputs.map((part) => places[part]),
    localBytes: norm.sent(rowBytes(call, axis, { input: norm.rows, dim }), axis.size),
  };
}
