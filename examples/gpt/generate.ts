/**
 * Lets a trained model continue a text.
 *
 * @packageDocumentation
 */
import { philox4x32, philoxKey } from "@meshwright/core";
import { slice, tensor2d, tidy, type Tensor, type Tensor2D } from "@tensorflow/tfjs";

/** How to continue. */
export interface GenerateOptions {
  readonly contextLength: number;
  readonly prompt: readonly number[];
  /** Tokens to add. */
  readonly numTokens: number;
  readonly seed: number;
  /** Divides the logits: below 1 the likely tokens gain. Default 0.8. */
  readonly temperature?: number;
}

/**
 * Draws one token after the other from the softmax of the last position's logits. Returns prompt and continuation.
 *
 * Every rank calls it. The draw of token `i` depends on (seed, i) alone, so all ranks draw the same.
 */
export function generate(
  logitsOf: (tokens: Tensor2D) => Tensor,
  { contextLength, prompt, numTokens, seed, temperature = 0.8 }: GenerateOptions,
): number[] {
  const key = philoxKey({ seed, name: "generate" });
  const tokens = [...prompt];
  for (let i = 0; i < numTokens; i++) {
    const context = tokens.slice(-contextLength);
    const logits = tidy(() => {
      const all = logitsOf(tensor2d(context, [1, context.length], "int32")); // [1, T, V]
      return slice(all, [0, context.length - 1, 0], [1, 1, -1]).dataSync<"float32">();
    });
    const [word] = philox4x32([i, 0, 0, 0], key);
    tokens.push(draw(logits, temperature, word! / 2 ** 32));
  }
  return tokens;
}

/** The token at which the cumulative softmax passes `threshold`. */
function draw(logits: Float32Array, temperature: number, threshold: number): number {
  const largest = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  const weights = Array.from(logits, (logit) => Math.exp((logit - largest) / temperature));
  let rest = threshold * weights.reduce((a, b) => a + b, 0);
  for (let token = 0; token < weights.length; token++) {
    rest -= weights[token]!;
    if (rest < 0) return token;
  }
  return weights.length - 1;
}
