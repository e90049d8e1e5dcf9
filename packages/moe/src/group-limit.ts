/**
 * Group-limited choice: a token may only go to experts of its best groups (nodes).
 *
 * Legend: T = tokens, E = experts, G = groups of E / G neighbouring experts.
 *
 * @packageDocumentation
 */
import { max, oneHot, sum, tidy, topk, where, zerosLike, add, greater, type Tensor } from "@tensorflow/tfjs";

/** How the choice is limited. */
export interface GroupLimit {
  /** G; divides E. */
  readonly count: number;
  /** How many groups a token may use. */
  readonly perToken: number;
  /** A group's score: of its two best experts the sum (DeepSeek-V3, default), or of its best one (DeepSeek-V2). */
  readonly score?: "topTwo" | "max";
}

/**
 * The scores with `-Infinity` for every expert outside the token's best groups. No communication on split rows.
 * Not differentiable: it serves the choice, and expects detached scores.
 *
 * @param scores - float32 `[T, E]`
 * @returns `[T, E]`; the caller's scope owns it
 * @see DeepSeek-AI 2024, "DeepSeek-V3", section 2.1.2 "Node-limited routing", https://arxiv.org/abs/2412.19437
 */
export function withinTopGroups(scores: Tensor, { count, perToken, score = "topTwo" }: GroupLimit): Tensor {
  // One group limits nothing.
  if (count === 1) return scores.clone();
  return tidy(() => {
    const [numTokens, numExperts] = scores.shape as [number, number];
    const size = numExperts / count;
    const grouped = scores.reshape([numTokens, count, size]);
    const best = score === "max" ? max(grouped, -1) : sum(topk(grouped, Math.min(2, size)).values, -1); // [T, G]
    const isOpen = greater(sum(oneHot(topk(best, perToken).indices, count), 1), 0); // [T, G]
    const closed = add(zerosLike(grouped), -Infinity);
    const open = isOpen.reshape([numTokens, count, 1]).tile([1, 1, size]);
    return where(open, grouped, closed).reshape([numTokens, numExperts]);
  });
}
