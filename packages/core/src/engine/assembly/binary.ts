/**
 * Elementwise functions of two operands that the stock engine runs one element at a time. An operand moves on by
 * `step` 1, or stays at one element with `step` 0. The codes are those of `BinaryCode` in `wasm-kernels/binary.ts`.
 */
import { LANES } from "./vector";

const MAXIMUM: i32 = 0;
const MINIMUM: i32 = 1;
const EQUAL: i32 = 2;
const NOT_EQUAL: i32 = 3;
const LESS: i32 = 4;
const LESS_EQUAL: i32 = 5;
const GREATER: i32 = 6;
const GREATER_EQUAL: i32 = 7;

// @ts-ignore: decorator
@inline
function read(from: usize, i: i32, step: i32): v128 {
  return step == 1 ? v128.load(from + (<usize>i << 2)) : v128.load32_splat(from);
}

// @ts-ignore: decorator
@inline
function readOne(from: usize, i: i32, step: i32): f32 {
  return load<f32>(from + (<usize>(i * step) << 2));
}

// @ts-ignore: decorator
@inline
function extremum(code: i32, a: usize, aStep: i32, b: usize, bStep: i32, to: usize, length: i32): void {
  let i = 0;
  for (; i + LANES <= length; i += LANES) {
    const x = read(a, i, aStep), y = read(b, i, bStep);
    v128.store(to + (<usize>i << 2), code == MAXIMUM ? f32x4.max(x, y) : f32x4.min(x, y));
  }
  for (; i < length; i++) {
    const x = readOne(a, i, aStep), y = readOne(b, i, bStep);
    store<f32>(to + (<usize>i << 2), code == MAXIMUM ? max(x, y) : min(x, y));
  }
}

// @ts-ignore: decorator
@inline
function compare4(code: i32, x: v128, y: v128): v128 {
  if (code == EQUAL) return f32x4.eq(x, y);
  if (code == NOT_EQUAL) return f32x4.ne(x, y);
  if (code == LESS) return f32x4.lt(x, y);
  if (code == LESS_EQUAL) return f32x4.le(x, y);
  if (code == GREATER) return f32x4.gt(x, y);
  return f32x4.ge(x, y);
}

/** Writes one byte per element: sixteen comparisons are narrowed into one vector. */
// @ts-ignore: decorator
@inline
function comparison(code: i32, a: usize, aStep: i32, b: usize, bStep: i32, to: usize, length: i32): void {
  const ones = i8x16.splat(1);
  let i = 0;
  for (; i + 16 <= length; i += 16) {
    const m0 = compare4(code, read(a, i, aStep), read(b, i, bStep));
    const m1 = compare4(code, read(a, i + 4, aStep), read(b, i + 4, bStep));
    const m2 = compare4(code, read(a, i + 8, aStep), read(b, i + 8, bStep));
    const m3 = compare4(code, read(a, i + 12, aStep), read(b, i + 12, bStep));
    const low = i16x8.narrow_i32x4_s(m0, m1), high = i16x8.narrow_i32x4_s(m2, m3);
    v128.store(to + <usize>i, v128.and(i8x16.narrow_i16x8_s(low, high), ones));
  }
  for (; i < length; i++) {
    const mask = compare4(code, f32x4.splat(readOne(a, i, aStep)), f32x4.splat(readOne(b, i, bStep)));
    store<u8>(to + <usize>i, <u8>(i32x4.extract_lane(mask, 0) & 1));
  }
}

export function binary(
  code: i32, a: usize, aStep: i32, b: usize, bStep: i32, to: usize, length: i32,
): void {
  if (code == MAXIMUM) extremum(MAXIMUM, a, aStep, b, bStep, to, length);
  else if (code == MINIMUM) extremum(MINIMUM, a, aStep, b, bStep, to, length);
  else if (code == EQUAL) comparison(EQUAL, a, aStep, b, bStep, to, length);
  else if (code == NOT_EQUAL) comparison(NOT_EQUAL, a, aStep, b, bStep, to, length);
  else if (code == LESS) comparison(LESS, a, aStep, b, bStep, to, length);
  else if (code == LESS_EQUAL) comparison(LESS_EQUAL, a, aStep, b, bStep, to, length);
  else if (code == GREATER) comparison(GREATER, a, aStep, b, bStep, to, length);
  else comparison(GREATER_EQUAL, a, aStep, b, bStep, to, length);
}

/** `condition[i] ? a[i] : b[i]` on 32-bit elements; `condition` has one byte per element. */
export function select(condition: usize, a: usize, b: usize, to: usize, length: i32): void {
  let i = 0;
  for (; i + LANES <= length; i += LANES) {
    const at = <usize>i << 2;
    const bytes = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(condition + <usize>i)));
    const mask = i32x4.ne(bytes, i32x4.splat(0));
    v128.store(to + at, v128.bitselect(v128.load(a + at), v128.load(b + at), mask));
  }
  for (; i < length; i++) {
    const at = <usize>i << 2;
    store<u32>(to + at, load<u8>(condition + <usize>i) != 0 ? load<u32>(a + at) : load<u32>(b + at));
  }
}
