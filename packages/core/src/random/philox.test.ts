import { describe, expect, test } from "vitest";
import { philox4x32, philoxBlocks } from "./philox.ts";

// Known answers of the Random123 distribution, file kat_vectors, lines "philox4x32 10".
const KNOWN_ANSWERS = [
  { counter: [0, 0, 0, 0], key: [0, 0], words: [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8] },
  {
    counter: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
    key: [0xffffffff, 0xffffffff],
    words: [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
  },
  {
    counter: [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
    key: [0xa4093822, 0x299f31d0],
    words: [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
  },
] as const;

describe("philox4x32", () => {
  test.each(KNOWN_ANSWERS)("gives the published words for counter $counter", ({ counter, key, words }) => {
    expect([...philox4x32(counter, key)]).toEqual(words);
  });

  test("gives the words that arbitrary-precision arithmetic gives, for counters of every bit pattern", () => {
    for (let i = 0; i < 200; i++) {
      const [a, b, c, d] = philox4x32([i, 7 * i, 1, 2], [3, i]);
      const counter = [a!, b!, c!, d!] as const;
      expect([...philox4x32(counter, [b!, c!])]).toEqual(bigIntPhilox(counter, [b!, c!]));
    }
  });
});

describe("philoxBlocks", () => {
  test("writes consecutive blocks with a 64-bit block number", () => {
    const out = new Uint32Array(12).fill(5);
    philoxBlocks(out, [11, 13], { firstBlock: 2 ** 32 - 1, numBlocks: 2 });
    expect([...out.subarray(0, 4)]).toEqual([...philox4x32([0xffffffff, 0, 0, 0], [11, 13])]);
    expect([...out.subarray(4, 8)]).toEqual([...philox4x32([0, 1, 0, 0], [11, 13])]);
    expect([...out.subarray(8)]).toEqual([5, 5, 5, 5]);
  });
});

/** The paper's definition, word by word. */
function bigIntPhilox(counter: readonly number[], key: readonly number[]): number[] {
  const mask = 0xffffffffn;
  let [c0, c1, c2, c3] = counter.map(BigInt) as [bigint, bigint, bigint, bigint];
  let [k0, k1] = key.map(BigInt) as [bigint, bigint];
  for (let round = 0; round < 10; round++) {
    const p0 = c0 * 0xd2511f53n;
    const p1 = c2 * 0xcd9e8d57n;
    [c0, c1, c2, c3] = [(p1 >> 32n) ^ c1 ^ k0, p1 & mask, (p0 >> 32n) ^ c3 ^ k1, p0 & mask];
    k0 = (k0 + 0x9e3779b9n) & mask;
    k1 = (k1 + 0xbb67ae85n) & mask;
  }
  return [c0, c1, c2, c3].map(Number);
}
