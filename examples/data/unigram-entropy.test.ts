import { describe, expect, test } from "vitest";
import { characterVocabulary } from "./character-vocabulary.ts";
import { loadMobyDick } from "./moby-dick.ts";
import { tokenDataset } from "./token-dataset.ts";
import { unigramEntropy } from "./unigram-entropy.ts";

describe("unigramEntropy", () => {
  test("is the mean surprise of the validation tokens under the smoothed training counts", () => {
    // Smoothed counts: token 0 -> 3 + 1, 1 -> 1 + 1, 2 -> 0 + 1, of 4 + 3.
    const entropy = unigramEntropy(Int32Array.of(0, 1, 0, 0), Int32Array.of(0, 2), { vocabularySize: 3 });
    expect(entropy).toBeCloseTo(-(Math.log(4 / 7) + Math.log(1 / 7)) / 2, 12);
  });

  test("of equally frequent tokens is the logarithm of their number", () => {
    const tokens = Int32Array.from({ length: 40 }, (_, index) => index % 5);
    expect(unigramEntropy(tokens, tokens, { vocabularySize: 5 })).toBeCloseTo(Math.log(5), 12);
  });

  test("of the book is 3.0802 nats per character", () => {
    const text = loadMobyDick();
    const vocabulary = characterVocabulary(text);
    const { training, validation } = tokenDataset(vocabulary.encode(text));
    expect(unigramEntropy(training, validation, { vocabularySize: vocabulary.size })).toBeCloseTo(3.0802, 4);
  });
});
