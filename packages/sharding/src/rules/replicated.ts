/**
 * Kernels that have no rule on purpose: their inputs are gathered, and every rank computes all of it.
 *
 * @packageDocumentation
 */

/** Kernels that stay replicated, and why. `docs/op-coverage.md` shows them beside those that have a rule. */
export interface ReplicatedKernels {
  readonly kernels: readonly string[];
  /** Half a sentence, to follow "because". */
  readonly reason: string;
}

/**
 * Every kernel of tfjs without a built-in rule. A rule made by `defineRule` takes the place of the reason.
 *
 * @example
 * ```ts
 * replicatedList.flatMap(({ kernels }) => kernels).includes("FFT"); // true
 * ```
 */
export const replicatedList: readonly ReplicatedKernels[] = Object.freeze([
  {
    kernels: ["Complex", "ComplexAbs", "FFT", "IFFT", "Imag", "Real"],
    reason: "no collective moves complex64, so complex tensors are never split",
  },
  {
    kernels: ["StaticRegexReplace", "StringNGrams", "StringSplit", "StringToHashBucketFast"],
    reason: "no collective moves strings, so string tensors are never split",
  },
  {
    kernels: [
      "NonMaxSuppressionV3",
      "NonMaxSuppressionV4",
      "NonMaxSuppressionV5",
      "RaggedGather",
      "RaggedRange",
      "RaggedTensorToTensor",
      "SparseFillEmptyRows",
      "SparseReshape",
      "SparseSegmentMean",
      "SparseSegmentSum",
      "Unique",
    ],
    reason: "the shape of the result depends on all values, so no rank can know its part of it",
  },
  {
    kernels: ["BroadcastArgs"],
    reason: "it computes one shape from two, a few integers that every rank needs whole",
  },
  {
    kernels: ["Draw", "FromPixels"],
    reason: "it reads or writes a canvas of the page that calls it",
  },
  {
    kernels: ["CrossEntropyLoss", "CrossEntropySums"],
    reason: "the rule of CrossEntropy runs it on what each rank holds; no program calls it",
  },
  {
    kernels: ["BroadcastTo", "LowerBound", "MatrixBandPart", "Pool", "UpperBound"],
    reason: "no engine has the kernel; tfjs composes the operation from kernels that have rules",
  },
]);

/** Why `kernel` stays replicated, or `undefined` if it is not on the list. */
export function replicationReason(kernel: string): string | undefined {
  return replicatedList.find(({ kernels }) => kernels.includes(kernel))?.reason;
}
