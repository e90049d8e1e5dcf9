/**
 * The book that the examples train on, ready for training.
 *
 * @packageDocumentation
 */
import { characterVocabulary, type CharacterVocabulary } from "./character-vocabulary.ts";
import { loadMobyDick } from "./moby-dick.ts";
import { tokenDataset } from "./token-dataset.ts";
import { unigramEntropy } from "./unigram-entropy.ts";

/** A text as tokens. */
export interface Book {
  readonly vocabulary: CharacterVocabulary;
  /** The whole text, in memory that ranks share. */
  readonly tokens: Int32Array;
  /** Cross-entropy of the validation text under the frequencies of the training text's characters, in nats per token. */
  readonly entropy: number;
}

/** Loads "Moby-Dick", one token per character. */
export function loadBook(): Book {
  const text = loadMobyDick();
  const vocabulary = characterVocabulary(text);
  const encoded = vocabulary.encode(text);
  const tokens = new Int32Array(new SharedArrayBuffer(encoded.byteLength));
  tokens.set(encoded);
  const { training, validation } = tokenDataset(tokens);
  const entropy = unigramEntropy(training, validation, { vocabularySize: vocabulary.size });
  return { vocabulary, tokens, entropy };
}
