/**
 * A vocabulary of single characters.
 *
 * @packageDocumentation
 */
import { ContractError } from "@meshwright/core";

/** What an unknown character decodes to: U+FFFD, the replacement character. */
export const UNKNOWN_CHARACTER = "\uFFFD";

/** Characters as numbers. Token 0 is the unknown character; the others follow in the order of their code points. */
export interface CharacterVocabulary {
  /** Number of tokens, the unknown one included. */
  readonly size: number;
  /** The character of each token. */
  readonly characters: readonly string[];
  /** One token per character (UTF-16 surrogate pairs are one character). */
  encode(text: string): Int32Array;
  decode(tokens: Iterable<number>): string;
}

/**
 * The characters that `text` holds at least `minCount` times (default 2). Everything rarer shares token 0: a character
 * that occurs once cannot be learned, and would occur in only one part of the split. In "Moby-Dick" that are eight
 * Greek and Hebrew letters and one ligature, so the vocabulary has 82 tokens.
 *
 * @throws ContractError if no character is frequent enough, and from `decode` for a token outside the vocabulary.
 */
export function characterVocabulary(
  text: string,
  options: { readonly minCount?: number } = {},
): CharacterVocabulary {
  const minCount = options.minCount ?? 2;
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  const frequent = [...counts]
    .filter(([character, count]) => count >= minCount && character !== UNKNOWN_CHARACTER)
    .map(([character]) => character)
    .sort((left, right) => left.codePointAt(0)! - right.codePointAt(0)!);
  if (frequent.length === 0) {
    throw new ContractError(
      `characterVocabulary: text (${text.length} characters) must hold some character at least minCount (${minCount}) times; use a longer text or a smaller minCount.`,
    );
  }
  return new CountedVocabulary([UNKNOWN_CHARACTER, ...frequent]);
}

class CountedVocabulary implements CharacterVocabulary {
  readonly characters: readonly string[];
  readonly #tokens: ReadonlyMap<string, number>;

  constructor(characters: readonly string[]) {
    this.characters = characters;
    this.#tokens = new Map(characters.map((character, token) => [character, token]));
  }

  get size(): number {
    return this.characters.length;
  }

  encode(text: string): Int32Array {
    const tokens = new Int32Array(text.length); // at most one token per UTF-16 unit
    let length = 0;
    for (const character of text) tokens[length++] = this.#tokens.get(character) ?? 0;
    return tokens.slice(0, length);
  }

  decode(tokens: Iterable<number>): string {
    return Array.from(tokens, (token) => {
      const character = this.characters[token];
      if (character === undefined) {
        throw new ContractError(
          `CharacterVocabulary.decode: token (${token}) must be an integer from 0 to ${this.size - 1}; use tokens of this vocabulary.`,
        );
      }
      return character;
    }).join("");
  }
}
