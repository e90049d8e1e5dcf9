/**
 * Philox 4x32-10: a counter-based generator. Word `i` of a key's stream is a pure function of (key, i), so any rank can
 * compute any part of a random tensor without computing what lies before it.
 *
 * Legend: block = 4 words from one counter; word `i` is lane `i mod 4` of block `floor(i / 4)`.
 *
 * @see Salmon, Moraes, Dror, Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3", section 3.3,
 * https://doi.org/10.1145/2063384.2063405
 * @packageDocumentation
 */

/** A key: two 32-bit words, each an integer in `[0, 2^32)`. */
export type PhiloxKey = readonly [number, number];

/** A 128-bit counter: four 32-bit words, least significant first. */
export type PhiloxCounter = readonly [number, number, number, number];

// Multipliers and key increments of the paper; the 16-bit halves are for `multiplyHigh`.
const M0 = 0xd2511f53;
const M1 = 0xcd9e8d57;
const W0 = 0x9e3779b9;
const W1 = 0xbb67ae85;
const ROUNDS = 10;

/** The high 32 bits of `a * b` as a signed integer; both taken as unsigned. All steps fit 32-bit integer arithmetic. */
function multiplyHigh(a: number, bLow: number, bHigh: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const middle = (Math.imul(aHigh, bLow) + (Math.imul(aLow, bLow) >>> 16)) | 0;
  const cross = (Math.imul(aLow, bHigh) + (middle & 0xffff)) | 0;
  return (Math.imul(aHigh, bHigh) + (middle >>> 16) + (cross >>> 16)) | 0;
}

/** Writes the block of one counter to `out[at..at+3]`. */
function writeBlock(
  out: Uint32Array,
  at: number,
  c0: number,
  c1: number,
  c2: number,
  c3: number,
  k0: number,
  k1: number,
): void {
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = multiplyHigh(c0, M0 & 0xffff, M0 >>> 16);
    const high1 = multiplyHigh(c2, M1 & 0xffff, M1 >>> 16);
    const low0 = Math.imul(c0, M0);
    const low1 = Math.imul(c2, M1);
    c0 = high1 ^ c1 ^ k0;
    c1 = low1;
    c2 = high0 ^ c3 ^ k1;
    c3 = low0;
    k0 = (k0 + W0) | 0;
    k1 = (k1 + W1) | 0;
  }
  out[at] = c0;
  out[at + 1] = c1;
  out[at + 2] = c2;
  out[at + 3] = c3;
}

/**
 * The four words of one counter under one key.
 *
 * @example
 * ```ts
 * philox4x32([0, 0, 0, 0], [0, 0]); // Uint32Array [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]
 * ```
 */
export function philox4x32(counter: PhiloxCounter, key: PhiloxKey): Uint32Array {
  const out = new Uint32Array(4);
  writeBlock(out, 0, counter[0] | 0, counter[1] | 0, counter[2] | 0, counter[3] | 0, key[0] | 0, key[1] | 0);
  return out;
}

/**
 * Writes `numBlocks` consecutive blocks of `key`'s stream to the start of `out`, beginning with block `firstBlock`
 * (an integer below 2^53; its low and high halves are counter words 0 and 1, words 2 and 3 are 0).
 */
export function philoxBlocks(
  out: Uint32Array,
  key: PhiloxKey,
  range: { readonly firstBlock: number; readonly numBlocks: number },
): void {
  const k0 = key[0] | 0;
  const k1 = key[1] | 0;
  for (let i = 0; i < range.numBlocks; i++) {
    const block = range.firstBlock + i;
    writeBlock(out, 4 * i, block | 0, (block / 2 ** 32) | 0, 0, 0, k0, k1);
  }
}
