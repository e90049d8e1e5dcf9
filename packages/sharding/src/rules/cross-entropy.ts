/**
 * Cross-entropy whose tokens or classes are split.
 *
 * Legend: B any dims (tokens), V classes, p ranks on the axis.
 *
 * | kernel             | split   | inputs                                   | outputs            | sent by the step                  |
 * | ------------------ | ------- | ---------------------------------------- | ------------------ | --------------------------------- |
 * | `CrossEntropy`     | tokens  | logits `[B/p, V]`, labels `[B/p]`        | both `[B/p]`       | nothing                           |
 * | `CrossEntropy`     | classes | logits `[B, V/p]`, labels `[B]`          | both `[B]`, whole  | all-reduce `[B]`, then `[2, B]`   |
 * | `CrossEntropyGrad` | tokens  | all four over the tokens                 | `[B/p, V]`         | nothing                           |
 * | `CrossEntropyGrad` | classes | logits `[B, V/p]`, the others whole      | `[B, V/p]`         | nothing                           |
 *
 * Over split classes the largest logit is reduced first; then, in one all-reduce, the sum of exponentials, the label's
 * logit and, with label smoothing only, the sum of all logits (`[3, B]`). Everything else in the formulas, the share
 * of label smoothing above all, counts *all* classes, not those of the rank.
 *
 * @see Shoeybi et al. 2019, "Megatron-LM", section 3, https://arxiv.org/abs/1909.08053
 * @packageDocumentation
 */
import { InternalError, type ProcessGroup } from "@meshwright/core";
import type { TensorInfo } from "@tensorflow/tfjs";
import { isShard, Replicate, Shard } from "../placement.ts";
import { inputAt } from "./attributes.ts";
import type {
  AxisStrategy,
  KernelAttrs,
  KernelCall,
  LocalCall,
  LocalKernels,
  Rule,
  TensorSpec,
} from "./rule.ts";
import { dimsWhere, sharded } from "./strategy.ts";

/** Rules of `CrossEntropy` and its gradient. */
export const crossEntropyRules: readonly Rule[] = [
  {
    kernels: ["CrossEntropy"],
    outputs: (call) => [perToken(call, 0), perToken(call, 0)],
    // What the split over classes sends is left out of its cost: it is a few numbers per token, where moving the
    // logits is one per token and class. Logits that arrive split stay where they are.
    strategies: (call) => [...tokenSplits(call, 0, 2), classSplit(call, 0, 2)],
    communicates: true,
    local: loss,
    attrsKey,
  },
  {
    kernels: ["CrossEntropyGrad"],
    outputs: (call) => [inputAt(call, 1)],
    strategies: (call) => [
      ...tokenSplits(call, 1, 1),
      { ...classSplit(call, 1, 1), outputs: [Shard(lastDim(call, 1))] },
    ],
    localAttrs: ({ call, inputs }) => ({ ...call.attrs, firstClass: inputs[1]!.offset.at(-1)! }),
    attrsKey,
  },
];

function lastDim(call: KernelCall, logits: number): number {
  return inputAt(call, logits).shape.length - 1;
}

function perToken(call: KernelCall, logits: number): TensorSpec {
  return { shape: inputAt(call, logits).shape.slice(0, -1), dtype: "float32" };
}

function tokenSplits(call: KernelCall, logits: number, numOutputs: number): AxisStrategy[] {
  return dimsWhere(lastDim(call, logits), () => true).map((dim) =>
    sharded(
      call.inputs.map(() => dim),
      new Array<number>(numOutputs).fill(dim),
    ),
  );
}

function classSplit(call: KernelCall, logits: number, numOutputs: number): AxisStrategy {
  return {
    inputs: call.inputs.map((_, i) => (i === logits ? Shard(lastDim(call, logits)) : Replicate())),
    outputs: Array.from({ length: numOutputs }, () => Replicate()),
  };
}

/** Called on every operation; none of the attributes changes from step to step. */
function attrsKey({ labelSmoothing, zLoss, ignoreIndex, numClasses }: KernelAttrs): string {
  return `${String(labelSmoothing)}/${String(zLoss)}/${String(ignoreIndex)}/${String(numClasses)}`;
}

function loss(
  kernels: LocalKernels,
  [logits, labels]: readonly TensorInfo[],
  { call, inputs, groups }: LocalCall,
): TensorInfo[] {
  const { placements, offset, shape } = inputs[0]!;
  const over = groups.filter((group, axis) => group.size > 1 && isShard(placements[axis]!, shape.length - 1));
  if (over.length === 0) return kernels.run("CrossEntropy", { logits: logits!, labels: labels! }, call.attrs);
  const attrs = { ...call.attrs, firstClass: offset.at(-1)! };
  const max = allReduced(kernels, largest(kernels, logits!), { over, op: "max", label: "cross-entropy max" });
  const mine = sums(kernels, { logits: logits!, labels: labels!, max }, attrs);
  const all = allReduced(kernels, mine, { over, op: "sum", label: "cross-entropy sums" });
  const outputs = kernels.run("CrossEntropyLoss", { max, sums: all, labels: labels! }, attrs);
  for (const info of [max, all]) kernels.dispose(info);
  return outputs;
}

/** The largest logit that the rank holds of each token; -Infinity where it holds no class. */
function largest(kernels: LocalKernels, logits: TensorInfo): TensorInfo {
  const last = logits.shape.length - 1;
  if (logits.shape[last]! > 0) {
    return kernels.run("Max", { x: logits }, { reductionIndices: [last], keepDims: false })[0]!;
  }
  return kernels.create(logits.shape.slice(0, -1), "float32", (out) => out.fill(-Infinity));
}

function sums(
  kernels: LocalKernels,
  inputs: Readonly<Record<"logits" | "labels" | "max", TensorInfo>>,
  attrs: KernelAttrs,
): TensorInfo {
  if (inputs.logits.shape.at(-1)! > 0) return kernels.run("CrossEntropySums", inputs, attrs)[0]!;
  const numSums = Number(attrs.labelSmoothing) > 0 ? 3 : 2;
  return kernels.create([numSums, ...inputs.labels.shape], "float32", (out) => out.fill(0));
}

/** Reduces over every group in turn. Takes `info`. */
function allReduced(
  kernels: LocalKernels,
  info: TensorInfo,
  { over, op, label }: { over: readonly ProcessGroup[]; op: "max" | "sum"; label: string },
): TensorInfo {
  const reduced = kernels.create(info.shape, "float32", (out) => {
    const mine = kernels.view(info);
    if (!(out instanceof Float32Array)) throw new InternalError("a float32 tensor without float32 elements");
    out.set(mine);
    for (const group of over) group.allReduce(out, { op, label });
  });
  kernels.dispose(info);
  return reduced;
}
