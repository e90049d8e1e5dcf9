/**
 * Dropout with the mask of a Philox 4x32-10 stream (Salmon et al. 2011): four counters at a time, one in each lane.
 * The stream is that of `random/philox.ts`.
 */
import { LANES, loadTail, storeTail } from "./vector";

const M0: u32 = 0xd2511f53;
const M1: u32 = 0xcd9e8d57;
const W0: u32 = 0x9e3779b9;
const W1: u32 = 0xbb67ae85;
const ROUNDS: i32 = 10;

/** Blocks of 4 words per piece: 8 KiB stay in the first-level cache; a multiple of the lanes. */
const PIECE_BLOCKS: i32 = 512;

/** Bytes of scratch that {@link dropout} needs. */
export function dropoutScratchBytes(): i32 {
  return PIECE_BLOCKS * 16;
}

/** The high halves of the products of four unsigned words. */
// @ts-ignore: decorator
@inline
function highProduct(a: v128, m: v128): v128 {
  return v128.shuffle<i32>(i64x2.extmul_low_i32x4_u(a, m), i64x2.extmul_high_i32x4_u(a, m), 1, 3, 5, 7);
}

/** The words of `blocks` (a multiple of 4) consecutive counters, in the order of the stream. */
function philox(to: usize, first: u64, blocks: i32, key0: u32, key1: u32): void {
  const m0 = i32x4.splat(M0), m1 = i32x4.splat(M1);
  for (let i = 0; i < blocks; i += LANES) {
    const block = first + <u64>i;
    const low = i64x2.add(i64x2.splat(block), i64x2(0, 1)), high = i64x2.add(i64x2.splat(block), i64x2(2, 3));
    let c0 = v128.shuffle<i32>(low, high, 0, 2, 4, 6), c1 = v128.shuffle<i32>(low, high, 1, 3, 5, 7);
    let c2 = i32x4.splat(0), c3 = i32x4.splat(0);
    let k0 = key0, k1 = key1;
    for (let round = 0; round < ROUNDS; round++) {
      const high0 = highProduct(c0, m0), high1 = highProduct(c2, m1);
      const low0 = i32x4.mul(c0, m0), low1 = i32x4.mul(c2, m1);
      c0 = v128.xor(v128.xor(high1, c1), i32x4.splat(k0));
      c1 = low1;
      c2 = v128.xor(v128.xor(high0, c3), i32x4.splat(k1));
      c3 = low0;
      k0 += W0;
      k1 += W1;
    }
    const low01 = v128.shuffle<i32>(c0, c1, 0, 4, 1, 5), high01 = v128.shuffle<i32>(c0, c1, 2, 6, 3, 7);
    const low23 = v128.shuffle<i32>(c2, c3, 0, 4, 1, 5), high23 = v128.shuffle<i32>(c2, c3, 2, 6, 3, 7);
    v128.store(to, v128.shuffle<i32>(low01, low23, 0, 1, 4, 5));
    v128.store(to, v128.shuffle<i32>(low01, low23, 2, 3, 6, 7), 16);
    v128.store(to, v128.shuffle<i32>(high01, high23, 0, 1, 4, 5), 32);
    v128.store(to, v128.shuffle<i32>(high01, high23, 2, 3, 6, 7), 48);
    to += 64;
  }
}

/** `y = word >= threshold ? scale x : 0` for one run of elements with consecutive global indices from `high:low` on. */
export function dropout(
  x: usize, y: usize, length: i32, low: u32, high: u32, key0: u32, key1: u32, threshold: u32, scale: f32,
  scratch: usize,
): void {
  let index = (<u64>high << 32) | <u64>low;
  while (length > 0) {
    const lane = <i32>(index & 3);
    const take = min(length, PIECE_BLOCKS * 4 - lane);
    const blocks = (lane + take + 15) >> 4 << 2;
    philox(scratch, index >> 2, blocks, key0, key1);
    applyMask(x, y, scratch + (<usize>lane << 2), take, threshold, scale);
    x += <usize>take << 2;
    y += <usize>take << 2;
    index += take;
    length -= take;
  }
}

function applyMask(x: usize, y: usize, words: usize, length: i32, threshold: u32, scale: f32): void {
  const limit = i32x4.splat(threshold), factor = f32x4.splat(scale);
  for (let i = 0; i < length; i += LANES) {
    const at = <usize>i << 2, left = length - i;
    if (left >= LANES) {
      const keep = i32x4.ge_u(v128.load(words + at), limit);
      v128.store(y + at, v128.and(f32x4.mul(v128.load(x + at), factor), keep));
    } else {
      const keep = i32x4.ge_u(loadTail(words + at, left), limit);
      storeTail(y + at, v128.and(f32x4.mul(loadTail(x + at, left), factor), keep), left);
    }
  }
}
