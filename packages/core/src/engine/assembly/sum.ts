/**
 * Sums that do not lose digits: float32 inside short blocks, float64 across blocks. A sum of n terms is off by at most
 * about 16 roundings of its partial sums, for every n.
 */
import { horizontalSum, loadTail } from "./vector";

/** Floats of a row that are added in float32 before they go into the float64 total: 16 additions per lane. */
const BLOCK: i32 = 256;
/** Rows of a column sum that are added in float32 before they go into the float64 totals. */
const BLOCK_ROWS: i32 = 16;

/** The sum of `length` floats; depends on nothing but them and their order. */
export function sumOf(from: usize, length: i32): f64 {
  let total: f64 = 0;
  let start = 0;
  while (start < length) {
    const count = min(length - start, BLOCK);
    total += sumBlock(from + (<usize>start << 2), count);
    start += count;
  }
  return total;
}

function sumBlock(from: usize, length: i32): f64 {
  let s0 = f32x4.splat(0), s1 = f32x4.splat(0), s2 = f32x4.splat(0), s3 = f32x4.splat(0);
  let i = 0;
  for (; i + 16 <= length; i += 16) {
    const at = from + (<usize>i << 2);
    s0 = f32x4.add(s0, v128.load(at));
    s1 = f32x4.add(s1, v128.load(at, 16));
    s2 = f32x4.add(s2, v128.load(at, 32));
    s3 = f32x4.add(s3, v128.load(at, 48));
  }
  for (; i + 4 <= length; i += 4) s0 = f32x4.add(s0, v128.load(from + (<usize>i << 2)));
  if (i < length) s1 = f32x4.add(s1, loadTail(from + (<usize>i << 2), length - i));
  return horizontalSum(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3)));
}

/** `to[r] = sum(from[r, :]) / divisor` for `[rows, length]`. */
export function sumRows(from: usize, to: usize, rows: i32, length: i32, divisor: f64): void {
  for (let r = 0; r < rows; r++) {
    store<f32>(to + (<usize>r << 2), <f32>(sumOf(from, length) / divisor));
    from += <usize>length << 2;
  }
}

/**
 * `to[c] = sum(from[:, c]) / divisor` for `[rows, columns]`. `totals` is scratch for `columns` float64 and zeroed
 * here. A column is added up in the same order whatever stands beside it.
 */
export function sumColumns(from: usize, to: usize, rows: i32, columns: i32, divisor: f64, totals: usize): void {
  memory.fill(totals, 0, <usize>columns << 3);
  for (let r = 0; r < rows; r += BLOCK_ROWS) {
    addRows(from + (<usize>r * <usize>columns << 2), min(rows - r, BLOCK_ROWS), columns, totals);
  }
  for (let c = 0; c < columns; c++) {
    store<f32>(to + (<usize>c << 2), <f32>(load<f64>(totals + (<usize>c << 3)) / divisor));
  }
}

function addRows(from: usize, rows: i32, columns: i32, totals: usize): void {
  const stride = <usize>columns << 2;
  const end = from + <usize>rows * stride;
  let c = 0;
  for (; c + 8 <= columns; c += 8) {
    let left = f32x4.splat(0), right = f32x4.splat(0);
    for (let at = from + (<usize>c << 2), stop = end + (<usize>c << 2); at < stop; at += stride) {
      left = f32x4.add(left, v128.load(at));
      right = f32x4.add(right, v128.load(at, 16));
    }
    addToTotals(totals + (<usize>c << 3), left);
    addToTotals(totals + (<usize>c << 3) + 32, right);
  }
  for (; c < columns; c++) {
    let sum: f32 = 0;
    for (let at = from + (<usize>c << 2), stop = end + (<usize>c << 2); at < stop; at += stride) sum += load<f32>(at);
    const total = totals + (<usize>c << 3);
    store<f64>(total, load<f64>(total) + <f64>sum);
  }
}

/** Adds four floats to four float64 totals. */
// @ts-ignore: decorator
@inline
export function addToTotals(totals: usize, value: v128): void {
  const high = v128.shuffle<i32>(value, value, 2, 3, 0, 1);
  v128.store(totals, f64x2.add(v128.load(totals), f64x2.promote_low_f32x4(value)));
  v128.store(totals, f64x2.add(v128.load(totals, 16), f64x2.promote_low_f32x4(high)), 16);
}
