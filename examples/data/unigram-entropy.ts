/**
 * What a model scores that knows how often each token occurs, and nothing else: the bar a language model must clear.
 *
 * @packageDocumentation
 */

/**
 * `-(1/N) * sum_i ln p(v_i)` in nats per token, over the N tokens `v_i` of `validation`, with
 * `p(c) = (count of c in training + 1) / (length of training + vocabularySize)`.
 *
 * That is the cross-entropy of the validation text under the training text's unigram frequencies; the added 1
 * (Laplace smoothing) keeps it finite where a token occurs in the validation text alone.
 */
export function unigramEntropy(
  training: Int32Array,
  validation: Int32Array,
  { vocabularySize }: { readonly vocabularySize: number },
): number {
  const counts = new Float64Array(vocabularySize).fill(1);
  for (const token of training) counts[token]! += 1;
  const logTotal = Math.log(training.length + vocabularySize);
  const surprises = counts.map((count) => logTotal - Math.log(count));
  let sum = 0;
  for (const token of validation) sum += surprises[token]!;
  return sum / validation.length;
}
