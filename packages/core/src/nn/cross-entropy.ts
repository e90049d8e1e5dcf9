/**
 * The cross-entropy loss of a language model.
 *
 * Legend: B = any dims (tokens), V = classes.
 *
 * @packageDocumentation
 */
import {
  cast,
  div,
  maximum,
  mean,
  notEqual,
  scalar,
  sum,
  tidy,
  type Scalar,
  type Tensor,
} from "@tensorflow/tfjs";
import { ContractError } from "../errors.ts";
import { tokenCrossEntropy, type TokenLossOptions } from "../kernels/cross-entropy.ts";

/** Options of the loss. */
export interface CrossEntropyOptions extends TokenLossOptions {
  /**
   * `"mean"` over the tokens that are not ignored (0 if all are), or `"sum"`, for example to weigh parts of a batch by
   * their tokens. Default `"mean"`.
   */
  readonly reduction?: "mean" | "sum";
}

/**
 * The mean over all tokens of `logSumExp(logits) - logits[label]`, in nats per token, as
 * `torch.nn.functional.cross_entropy` computes it with `label_smoothing` and `ignore_index`, with a z-term
 * `zLoss * logSumExp(logits)^2` if asked for.
 *
 * Sharded: tokens split over any dims give a partial sum, to be reduced where it is read (4 bytes per axis; 8 with
 * `ignoreIndex`, for the count). Classes split over an axis cost three token-sized sums (four with label smoothing) in
 * two all-reduces, none backward; the logits stay where they are.
 *
 * @param logits - `[B, V]` float32
 * @param labels - `[B]` int32, each in `0..V-1` or `ignoreIndex`
 * @returns a scalar; the caller's scope owns it
 * @throws ContractError if the shapes do not match, an option is out of range, or a label is neither a class nor ignored.
 */
export function crossEntropy(logits: Tensor, labels: Tensor, options: CrossEntropyOptions = {}): Scalar {
  const { reduction = "mean", ...tokenOptions } = options;
  if (logits.shape.slice(0, -1).join() !== labels.shape.join()) {
    throw new ContractError(
      `crossEntropy: labels (shape [${labels.shape.join(", ")}]) must have the shape of logits without its last dim ([${logits.shape.slice(0, -1).join(", ")}]); use one label per token.`,
    );
  }
  return tidy(() => {
    const losses = tokenCrossEntropy(logits, labels, tokenOptions);
    if (reduction === "sum") return sum<Scalar>(losses);
    const { ignoreIndex } = tokenOptions;
    if (ignoreIndex === undefined) return mean<Scalar>(losses);
    return div<Scalar>(sum<Scalar>(losses), numCounted(labels, ignoreIndex));
  });
}

/** The number of tokens that are not ignored, at least 1. */
function numCounted(labels: Tensor, ignoreIndex: number): Scalar {
  const counts = cast(notEqual(labels, scalar(ignoreIndex, "int32")), "float32");
  return maximum<Scalar>(sum<Scalar>(counts), 1);
}
