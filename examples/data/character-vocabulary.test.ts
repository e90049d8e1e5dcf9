import { ContractError } from "@meshwright/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { characterVocabulary, UNKNOWN_CHARACTER } from "./character-vocabulary.ts";
import { loadMobyDick } from "./moby-dick.ts";

describe("characterVocabulary", () => {
  test("token 0 is the unknown character, the others follow in code point order", () => {
    const vocabulary = characterVocabulary("banana band Ω");
    expect(vocabulary.characters).toEqual([UNKNOWN_CHARACTER, " ", "a", "b", "n"]);
    expect(vocabulary.size).toBe(5);
    expect(vocabulary.encode("nab a dΩ")).toEqual(Int32Array.of(4, 2, 3, 1, 2, 1, 0, 0));
    expect(vocabulary.decode([4, 2, 3, 0])).toBe("nab\uFFFD");
  });

  test("minCount decides how rare a character may be", () => {
    expect(characterVocabulary("aaabbc", { minCount: 1 }).characters.slice(1)).toEqual(["a", "b", "c"]);
    expect(characterVocabulary("aaabbc", { minCount: 3 }).characters.slice(1)).toEqual(["a"]);
  });

  test("a surrogate pair is one character and one token", () => {
    const vocabulary = characterVocabulary("🐳🐳x🐳x");
    expect(vocabulary.characters.slice(1)).toEqual(["x", "🐳"]);
    expect(vocabulary.encode("🐳x🐳")).toEqual(Int32Array.of(2, 1, 2));
    expect(vocabulary.decode([2, 1])).toBe("🐳x");
  });

  test("decode turns encode around for texts of known characters", () => {
    const alphabet = "abc \n—🐳";
    const vocabulary = characterVocabulary(alphabet.repeat(2));
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...Array.from(alphabet))), (characters) => {
        const text = characters.join("");
        expect(vocabulary.decode(vocabulary.encode(text))).toBe(text);
      }),
    );
  });

  test("the book has 82 tokens, of which the unknown one stands for 8 of 1.2 million characters", () => {
    const text = loadMobyDick();
    const vocabulary = characterVocabulary(text);
    expect(vocabulary.size).toBe(82);
    expect(vocabulary.encode(text).filter((token) => token === 0)).toHaveLength(8);
  });

  test("a text without a frequent character is an error", () => {
    expect(() => characterVocabulary("abc")).toThrow(
      new ContractError(
        "characterVocabulary: text (3 characters) must hold some character at least minCount (2) times; use a longer text or a smaller minCount.",
      ),
    );
  });

  test.each([4, -1, 1.5])("decoding token %d, which is not in the vocabulary, is an error", (token) => {
    expect(() => characterVocabulary("banana band").decode([1, token])).toThrow(
      new ContractError(
        `CharacterVocabulary.decode: token (${token}) must be an integer from 0 to 3; use tokens of this vocabulary.`,
      ),
    );
  });
});
