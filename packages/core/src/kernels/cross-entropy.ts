/**
 * Softmax cross-entropy of logits against integer labels, as one kernel forward and one backward.
 *
 * Legend: B = any dims (tokens), V = classes; per token, z = logSumExp(logits), p = softmax(logits) = exp(logits - z),
 * e = labelSmoothing, c = zLoss.
 *
 * ```text
 * forward    loss = z - (1 - e) logits[label] - e mean(logits) + c z^2
 * backward   dlogits = dy ((1 + 2 c z) p - (1 - e) onehot(label) - e / V)
 * ```
 *
 * Ignored tokens have loss 0 and no gradient.
 *
 * @packageDocumentation
 */
import { engine, tidy, type GradConfig, type Tensor, type TensorInfo } from "@tensorflow/tfjs";
import { ContractError } from "../errors.ts";
import {
  checkLabels,
  logSumExpOf,
  lossOf,
  numSums,
  type CrossEntropyAttrs,
  type CrossEntropyTotals,
} from "./cross-entropy-parts.ts";
import { createFloats, referenceKernel, viewFloats, viewIntegers, type KernelCall } from "./reference.ts";
import { lastDim, requireShape } from "./shape-check.ts";

/** Outputs: `[loss, logSumExp]`, both of shape `[B]`. */
export const CROSS_ENTROPY = "CrossEntropy";
/** Output: one tensor, `dlogits: [B, V]`. */
export const CROSS_ENTROPY_GRAD = "CrossEntropyGrad";

/** `logits: [B, V]`, `labels: [B]` int32. */
export type CrossEntropyInputs = Record<"logits" | "labels", TensorInfo>;
/** `dy: [B]`, `logits: [B, V]`, `labels: [B]` int32, `logSumExp: [B]`. */
export type CrossEntropyGradInputs = Record<"dy" | "logits" | "labels" | "logSumExp", TensorInfo>;

/** What is added to plain cross-entropy. */
export interface TokenLossOptions {
  /** Share of the target that is spread evenly over all classes, in `[0, 1]`. Default 0. */
  readonly labelSmoothing?: number;
  /** Coefficient of `logSumExp^2`, which keeps logits from drifting. Default 0. */
  readonly zLoss?: number;
  /** Tokens with this label have loss 0 and no gradient. Default: none. */
  readonly ignoreIndex?: number;
}

/**
 * The loss of each token in nats: `logSumExp(logits) - logits[label]`, with label smoothing and a z-term if asked for.
 *
 * @param logits - `[B, V]` float32
 * @param labels - `[B]` int32
 * @returns `[B]`; the caller's scope owns it. The labels have no gradient.
 * @throws ContractError if `logits` is not float32, `labels` not `[B]` int32, or an option is out of range; from the
 * kernel, if a label lies outside `0..V-1` and is not ignored.
 * @see Szegedy et al. 2016, "Rethinking the Inception architecture", section 7, https://arxiv.org/abs/1512.00567
 * (label smoothing); Chowdhery et al. 2022, "PaLM", section 5, https://arxiv.org/abs/2204.02311 (z-loss)
 */
export function tokenCrossEntropy(logits: Tensor, labels: Tensor, options: TokenLossOptions = {}): Tensor {
  const numClasses = lastDim("tokenCrossEntropy: logits", logits);
  const { labelSmoothing = 0, zLoss = 0, ignoreIndex = NaN } = options;
  requireShape("tokenCrossEntropy: labels", labels, {
    shape: logits.shape.slice(0, -1),
    dtype: "int32",
    because: "one label per row of logits",
  });
  if (!(labelSmoothing >= 0 && labelSmoothing <= 1)) {
    throw new ContractError(
      `tokenCrossEntropy: labelSmoothing (${labelSmoothing}) must be in [0, 1]; use for example labelSmoothing: 0.1.`,
    );
  }
  const attrs: CrossEntropyAttrs = { labelSmoothing, zLoss, ignoreIndex, numClasses, firstClass: 0 };
  // The tidy frees logSumExp unless the tape has saved it.
  return tidy(() => engine().runKernel<Tensor[]>(CROSS_ENTROPY, { logits, labels }, attrs)[0]!);
}

/** Runs `CrossEntropyGrad`; the labels and `logSumExp` have no gradient. */
export const crossEntropyGradConfig: GradConfig = {
  kernelName: CROSS_ENTROPY,
  inputsToSave: ["logits", "labels"],
  outputsToSave: [false, true],
  gradFunc: (dys, saved, attrs) => {
    const dy = (dys as Tensor[])[0]!;
    const [logits, labels, logSumExp] = saved as [Tensor, Tensor, Tensor];
    return {
      logits: () => engine().runKernel<Tensor>(CROSS_ENTROPY_GRAD, { dy, logits, labels, logSumExp }, attrs),
    };
  },
};

/** The meaning of `CrossEntropy`. */
export const crossEntropyReference = referenceKernel(CROSS_ENTROPY, forward);

/** The meaning of `CrossEntropyGrad`. */
export const crossEntropyGradReference = referenceKernel(CROSS_ENTROPY_GRAD, backward);

function forward({ inputs, attrs, memory }: KernelCall<CrossEntropyInputs, CrossEntropyAttrs>): TensorInfo[] {
  const { logits, labels } = inputs;
  checkLabels(viewIntegers(memory, labels), attrs);
  const logSumExps: number[] = [];
  const loss = createFloats(memory, labels.shape, (out) => {
    const xs = viewFloats(memory, logits);
    const classes = viewIntegers(memory, labels);
    for (let row = 0; row < out.length; row++) {
      const totals = sumRow(xs, row, classes, attrs);
      logSumExps.push(logSumExpOf(totals, 0));
      out[row] = lossOf(totals, 0, attrs);
    }
  });
  const logSumExp = createFloats(memory, labels.shape, (out) => {
    out.set(logSumExps);
  });
  return [loss, logSumExp];
}

/** The totals of one row. */
function sumRow(
  xs: Float32Array,
  row: number,
  labels: Int32Array,
  attrs: CrossEntropyAttrs,
): CrossEntropyTotals {
  const { numClasses } = attrs;
  const start = row * numClasses;
  let max = -Infinity;
  for (let j = start; j < start + numClasses; j++) max = Math.max(max, xs[j]!);
  let exponentials = 0;
  let total = 0;
  for (let j = start; j < start + numClasses; j++) {
    exponentials += Math.exp(xs[j]! - max);
    total += xs[j]! - max;
  }
  const label = labels[row]!;
  const target = label >= 0 && label < numClasses ? xs[start + label]! - max : 0;
  return {
    max: Float32Array.of(max),
    sums: Float32Array.of(exponentials, target, total).subarray(0, numSums(attrs)),
    labels: Int32Array.of(label),
  };
}

function backward({
  inputs,
  attrs,
  memory,
}: KernelCall<CrossEntropyGradInputs, CrossEntropyAttrs>): TensorInfo {
  const { dy, logits, labels, logSumExp } = inputs;
  const { labelSmoothing, zLoss, ignoreIndex, numClasses, firstClass } = attrs;
  const held = logits.shape.at(-1)!;
  const spread = labelSmoothing / numClasses;
  return createFloats(memory, logits.shape, (out) => {
    const dys = viewFloats(memory, dy);
    const xs = viewFloats(memory, logits);
    const classes = viewIntegers(memory, labels);
    const logSumExps = viewFloats(memory, logSumExp);
    for (let row = 0, start = 0; row < dys.length; row++, start += held) {
      const d = ignoreIndex === classes[row] ? 0 : dys[row]!;
      const z = logSumExps[row]!;
      const more = 2 * zLoss * z;
      for (let j = start; j < start + held; j++) {
        out[j] = d === 0 ? 0 : d * ((1 + more) * Math.exp(xs[j]! - z) - spread);
      }
      const own = classes[row]! - firstClass;
      if (d === 0 || own < 0 || own >= held) continue;
      // exp(x) - 1 without cancellation where the model is already sure.
      const distance = xs[start + own]! - z;
      out[start + own] = d * (Math.expm1(distance) + more * Math.exp(distance) + labelSmoothing - spread);
    }
  });
}
