/**
 * Cross-entropy in two parts, so that classes may be spread over several holders: sums over the classes that are here,
 * and the loss from the sums over all classes.
 *
 * Legend: B = any dims (tokens), V = all classes, v = classes held here, from class `firstClass` on; per token,
 * m = the largest logit of all V, z = m + ln(sum_V e^(x - m)), e = labelSmoothing, c = zLoss.
 *
 * ```text
 * CrossEntropySums   sums[0] = sum_v e^(x - m)     sums[1] = x[label] - m, 0 if the label is not held here
 *                    sums[2] = sum_v (x - m)       only with label smoothing
 * CrossEntropyLoss   loss = (z - m) - (1 - e) sums[1] - e / V sums[2] + c z^2,  0 for an ignored token
 * ```
 *
 * @packageDocumentation
 */
import type { TensorInfo } from "@tensorflow/tfjs";
import { ContractError } from "../errors.ts";
import { createFloats, referenceKernel, viewFloats, viewIntegers, type KernelCall } from "./reference.ts";

/** Output: `sums`, `[2, B]`, or `[3, B]` with label smoothing. */
export const CROSS_ENTROPY_SUMS = "CrossEntropySums";
/** Outputs: `[loss, logSumExp]`, both of shape `[B]`. */
export const CROSS_ENTROPY_LOSS = "CrossEntropyLoss";

/** `logits: [B, v]`, `labels: [B]` int32, `max: [B]`. */
export type CrossEntropySumsInputs = Record<"logits" | "labels" | "max", TensorInfo>;
/** `max: [B]`, `sums: [2 or 3, B]` over all classes, `labels: [B]` int32. */
export type CrossEntropyLossInputs = Record<"max" | "sums" | "labels", TensorInfo>;

/** What every cross-entropy kernel takes. */
// eslint-disable-next-line @typescript-eslint/consistent-type-definitions -- an interface does not fit NamedAttrMap
export type CrossEntropyAttrs = {
  /** Share of the target that is spread evenly over all classes, in `[0, 1]`. */
  readonly labelSmoothing: number;
  /** Coefficient of `logSumExp^2`. */
  readonly zLoss: number;
  /** Tokens with this label have loss 0 and no gradient; NaN: there are none. */
  readonly ignoreIndex: number;
  /** V: labels lie in `0..numClasses-1`. */
  readonly numClasses: number;
  /** The class of the first column of `logits`. */
  readonly firstClass: number;
};

/**
 * Checks labels; every implementation of `CrossEntropy` calls it.
 *
 * @throws ContractError that names the first position and value outside `0..numClasses-1` that is not ignored.
 */
export function checkLabels(labels: Int32Array, { numClasses, ignoreIndex }: CrossEntropyAttrs): void {
  for (let position = 0; position < labels.length; position++) {
    const label = labels[position]!;
    if ((label >= 0 && label < numClasses) || label === ignoreIndex) continue;
    throw new ContractError(
      `CrossEntropy: label at position ${position} (${label}) must be in 0..${numClasses - 1}, the columns of logits; use labels below ${numClasses}${Number.isNaN(ignoreIndex) ? "" : `, or ignoreIndex (${ignoreIndex})`}.`,
    );
  }
}

/** Rows of `sums`. */
export function numSums({ labelSmoothing }: CrossEntropyAttrs): 2 | 3 {
  return labelSmoothing > 0 ? 3 : 2;
}

/** What is known of all tokens: one element per token, `sums` one row after the other. */
export interface CrossEntropyTotals {
  readonly max: Float32Array;
  readonly sums: Float32Array;
  readonly labels: Int32Array;
}

/** `ln(sum_V e^x)` of token `i`. */
export function logSumExpOf({ max, sums }: CrossEntropyTotals, i: number): number {
  return max[i]! + Math.log(sums[i]!);
}

/** The loss of token `i`. Differences to the maximum come first: they lose nothing where logits are large. */
export function lossOf(totals: CrossEntropyTotals, i: number, attrs: CrossEntropyAttrs): number {
  const { labels, sums } = totals;
  const { labelSmoothing, zLoss, ignoreIndex, numClasses } = attrs;
  const numTokens = labels.length;
  if (ignoreIndex === labels[i]) return 0;
  const target = sums[numTokens + i]!;
  let loss = Math.log(sums[i]!) - (1 - labelSmoothing) * target;
  if (labelSmoothing > 0) loss -= (labelSmoothing / numClasses) * sums[2 * numTokens + i]!;
  if (zLoss !== 0) loss += zLoss * logSumExpOf(totals, i) ** 2;
  return loss;
}

/** The meaning of `CrossEntropySums`. */
export const crossEntropySumsReference = referenceKernel(CROSS_ENTROPY_SUMS, sumClasses);

/** `CrossEntropyLoss`; a few operations per token, so that no engine needs a faster one. */
export const crossEntropyLossReference = referenceKernel(CROSS_ENTROPY_LOSS, finish);

function sumClasses({
  inputs: { logits, labels, max },
  attrs,
  memory,
}: KernelCall<CrossEntropySumsInputs, CrossEntropyAttrs>): TensorInfo {
  checkLabels(viewIntegers(memory, labels), attrs);
  const held = logits.shape.at(-1)!;
  return createFloats(memory, [numSums(attrs), ...labels.shape], (out) => {
    const xs = viewFloats(memory, logits);
    const classes = viewIntegers(memory, labels);
    const maxima = viewFloats(memory, max);
    const numTokens = classes.length;
    for (let i = 0, start = 0; i < numTokens; i++, start += held) {
      const top = maxima[i]!;
      let exponentials = 0;
      let total = 0;
      for (let j = start; j < start + held; j++) {
        exponentials += Math.exp(xs[j]! - top);
        total += xs[j]! - top;
      }
      const own = classes[i]! - attrs.firstClass;
      out[i] = exponentials;
      out[numTokens + i] = own >= 0 && own < held ? xs[start + own]! - top : 0;
      if (attrs.labelSmoothing > 0) out[2 * numTokens + i] = total;
    }
  });
}

function finish({
  inputs: { max, sums, labels },
  attrs,
  memory,
}: KernelCall<CrossEntropyLossInputs, CrossEntropyAttrs>): TensorInfo[] {
  const totals = (): CrossEntropyTotals => ({
    max: viewFloats(memory, max),
    sums: viewFloats(memory, sums),
    labels: viewIntegers(memory, labels),
  });
  const loss = createFloats(memory, labels.shape, (out) => {
    const known = totals();
    for (let i = 0; i < out.length; i++) out[i] = lossOf(known, i, attrs);
  });
  const logSumExp = createFloats(memory, labels.shape, (out) => {
    const known = totals();
    for (let i = 0; i < out.length; i++) out[i] = logSumExpOf(known, i);
  });
  return [loss, logSumExp];
}
