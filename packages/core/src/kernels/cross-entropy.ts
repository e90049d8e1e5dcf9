/**
 * Softmax cross-entropy of logits against integer labels, as one kernel forward and one backward.
 *
 * Legend: T = tokens (rows), V = classes; per row, z = logSumExp(logits).
 *
 * ```text
 * forward    loss = z - logits[label]
 * backward   dlogits = dy (softmax(logits) - onehot(label)),  softmax = exp(logits - z)
 * ```
 *
 * @packageDocumentation
 */
import { engine, tidy, type GradConfig, type Tensor, type TensorInfo } from "@tensorflow/tfjs";
import { ContractError } from "../errors.ts";
import { createFloats, referenceKernel, viewFloats, viewIntegers, type KernelCall } from "./reference.ts";
import { lastDim, requireShape } from "./shape-check.ts";

/** Outputs: `[loss, logSumExp]`, both of shape `[T]`. No attributes. */
export const CROSS_ENTROPY = "CrossEntropy";
/** Output: one tensor, `dlogits: [T, V]`. No attributes. */
export const CROSS_ENTROPY_GRAD = "CrossEntropyGrad";

/** `logits: [T, V]`, `labels: [T]` int32. */
export type CrossEntropyInputs = Record<"logits" | "labels", TensorInfo>;
/** `dy: [T]`, `logits: [T, V]`, `labels: [T]` int32, `logSumExp: [T]`. */
export type CrossEntropyGradInputs = Record<"dy" | "logits" | "labels" | "logSumExp", TensorInfo>;

/**
 * The loss of each token in nats: `logSumExp(logits) - logits[label]`.
 *
 * @returns `[T]`; the caller's scope owns it. The labels have no gradient.
 * @throws ContractError if `logits` is not `[T, V]` float32 or `labels` not `[T]` int32; from the kernel, if a label
 * lies outside `0..V-1`.
 */
export function tokenCrossEntropy(logits: Tensor, labels: Tensor): Tensor {
  lastDim("tokenCrossEntropy: logits", logits);
  if (logits.shape.length !== 2) {
    throw new ContractError(
      `tokenCrossEntropy: logits (shape [${logits.shape.join(", ")}]) must have shape [T, V]; use tf.reshape.`,
    );
  }
  requireShape("tokenCrossEntropy: labels", labels, {
    shape: logits.shape.slice(0, 1),
    dtype: "int32",
    because: "one label per row of logits",
  });
  // The tidy frees logSumExp unless the tape has saved it.
  return tidy(() => engine().runKernel<Tensor[]>(CROSS_ENTROPY, { logits, labels })[0]!);
}

/**
 * Checks labels; every implementation of `CrossEntropy` calls it.
 *
 * @throws ContractError that names the first position and value outside `0..numClasses-1`.
 */
export function checkLabels(labels: Int32Array, numClasses: number): void {
  for (let position = 0; position < labels.length; position++) {
    const label = labels[position]!;
    if (label < 0 || label >= numClasses) {
      throw new ContractError(
        `CrossEntropy: label at position ${position} (${label}) must be in 0..${numClasses - 1}, the columns of logits; use labels below ${numClasses}.`,
      );
    }
  }
}

/** Runs `CrossEntropyGrad`; the labels and `logSumExp` have no gradient. */
export const crossEntropyGradConfig: GradConfig = {
  kernelName: CROSS_ENTROPY,
  inputsToSave: ["logits", "labels"],
  outputsToSave: [false, true],
  gradFunc: (dys, saved) => {
    const dy = (dys as Tensor[])[0]!;
    const [logits, labels, logSumExp] = saved as [Tensor, Tensor, Tensor];
    return {
      logits: () => engine().runKernel<Tensor>(CROSS_ENTROPY_GRAD, { dy, logits, labels, logSumExp }),
    };
  },
};

/** The meaning of `CrossEntropy`. */
export const crossEntropyReference = referenceKernel(CROSS_ENTROPY, forward);

/** The meaning of `CrossEntropyGrad`. */
export const crossEntropyGradReference = referenceKernel(CROSS_ENTROPY_GRAD, backward);

function forward({ inputs, memory }: KernelCall<CrossEntropyInputs, Record<string, never>>): TensorInfo[] {
  const { logits, labels } = inputs;
  const numClasses = logits.shape[1]!;
  checkLabels(viewIntegers(memory, labels), numClasses);
  const logSumExps: number[] = [];
  const loss = createFloats(memory, labels.shape, (out) => {
    const xs = viewFloats(memory, logits);
    const classes = viewIntegers(memory, labels);
    for (let row = 0; row < out.length; row++) {
      const start = row * numClasses;
      let max = -Infinity;
      for (let j = start; j < start + numClasses; j++) max = Math.max(max, xs[j]!);
      let sum = 0;
      for (let j = start; j < start + numClasses; j++) sum += Math.exp(xs[j]! - max);
      const logSumExp = max + Math.log(sum);
      logSumExps.push(logSumExp);
      out[row] = logSumExp - xs[start + classes[row]!]!;
    }
  });
  const logSumExp = createFloats(memory, labels.shape, (out) => {
    out.set(logSumExps);
  });
  return [loss, logSumExp];
}

function backward({ inputs, memory }: KernelCall<CrossEntropyGradInputs, Record<string, never>>): TensorInfo {
  const { dy, logits, labels, logSumExp } = inputs;
  const numClasses = logits.shape[1]!;
  return createFloats(memory, logits.shape, (out) => {
    const dys = viewFloats(memory, dy);
    const xs = viewFloats(memory, logits);
    const classes = viewIntegers(memory, labels);
    const logSumExps = viewFloats(memory, logSumExp);
    for (let row = 0; row < dys.length; row++) {
      const start = row * numClasses;
      const d = dys[row]!;
      for (let j = start; j < start + numClasses; j++) out[j] = d * Math.exp(xs[j]! - logSumExps[row]!);
      const hit = start + classes[row]!;
      // exp(x) - 1 without cancellation where the model is already sure.
      out[hit] = d * Math.expm1(xs[hit]! - logSumExps[row]!);
    }
  });
}
