/**
 * A choice of experts that is balanced by force.
 *
 * @packageDocumentation
 */
import { add, cast, mul, slice, tensor2d, tidy, type Tensor } from "@tensorflow/tfjs";
import { detach } from "./detach.ts";
import type { Choice } from "./router-options.ts";

/**
 * Round robin: slot `k` of token `t` is expert `(t K + k) mod E`, so counts differ by at most one and the K of a token
 * differ. For benchmarks, where the load of a freshly made model would be measured instead of the layer.
 *
 * @returns int32 `[T, K]`, whole on every rank; the caller's scope owns it
 */
export function forcedExperts(
  numTokens: number,
  { numExperts, topK }: Pick<Choice, "numExperts" | "topK">,
): Tensor {
  const experts = Int32Array.from({ length: numTokens * topK }, (_, slot) => slot % numExperts);
  return tensor2d(experts, [numTokens, topK], "int32");
}

/**
 * The same experts, laid out like the rows of `logits`: no communication.
 *
 * @param experts - int32 `[T, K]`, whole on every rank
 * @param logits - finite float32 `[T, E]`
 * @returns int32 `[T, K]`; the caller's scope owns it
 */
export function alongRows(experts: Tensor, logits: Tensor): Tensor {
  // A sum takes the layout of its split operand.
  return tidy(() => {
    const zeros = mul(slice(detach(logits), [0, 0], [-1, experts.shape[1]!]), 0); // [T, K]
    return add(experts, cast(zeros, "int32"));
  });
}
