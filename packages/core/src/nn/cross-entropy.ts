/**
 * The cross-entropy loss of a language model.
 *
 * Legend: B = any leading dims, R = product of B, V = classes.
 *
 * @packageDocumentation
 */
import { mean, reshape, tidy, type Scalar, type Tensor } from "@tensorflow/tfjs";
import { ContractError } from "../errors.ts";
import { tokenCrossEntropy } from "../kernels/cross-entropy.ts";

/**
 * The mean over all tokens of `logSumExp(logits) - logits[label]`, in nats per token.
 *
 * @param logits - `[B, V]` float32
 * @param labels - `[B]` int32, each in `0..V-1`
 * @returns a scalar; the caller's scope owns it
 * @throws ContractError if the shapes do not match or a label lies outside `0..V-1`.
 */
export function crossEntropy(logits: Tensor, labels: Tensor): Scalar {
  if (logits.shape.slice(0, -1).join() !== labels.shape.join()) {
    throw new ContractError(
      `crossEntropy: labels (shape [${labels.shape.join(", ")}]) must have the shape of logits without its last dim ([${logits.shape.slice(0, -1).join(", ")}]); use one label per token.`,
    );
  }
  return tidy(() => {
    const rows = reshape(logits, [labels.size, logits.shape.at(-1)!]); // [B, V] -> [R, V]
    return mean<Scalar>(tokenCrossEntropy(rows, reshape(labels, [labels.size])));
  });
}
