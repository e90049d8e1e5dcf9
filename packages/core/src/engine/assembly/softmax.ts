/** Causal softmax, forward and backward, and the row sums that cross-entropy shares with it. */
import { constants, exp4 } from "./elementary";
import { horizontalMax, horizontalSum, LANES, loadTail, madd, storeTail } from "./vector";

/** Floats that are added in float32 before they go into a float64 total. */
export const BLOCK: i32 = 256;

// @ts-ignore: decorator
@inline
export function maskTail(value: v128, left: i32): v128 {
  return v128.and(value, i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(left)));
}

/** A NaN among them need not be found here: the sum of exponentials finds it. */
export function maxOf(x: usize, length: i32): f32 {
  let top = f32x4.splat(-Infinity);
  let i = 0;
  for (; i + LANES <= length; i += LANES) top = f32x4.pmax(top, v128.load(x + (<usize>i << 2)));
  let best = horizontalMax(top);
  for (; i < length; i++) best = max(best, load<f32>(x + (<usize>i << 2)));
  return best;
}

function minOf(x: usize, length: i32): f32 {
  let best: f32 = Infinity;
  for (let i = 0; i < length; i++) best = min(best, load<f32>(x + (<usize>i << 2)));
  return best;
}

/** `sum e^(scale x - shift)`; the terms are also written to `y` unless it is 0. */
// @ts-ignore: decorator
@inline
export function sumOfExponentials(x: usize, y: usize, length: i32, scale: f32, shift: f32): f64 {
  const factor = f32x4.splat(scale), offset = f32x4.splat(-shift), table = constants();
  let total: f64 = 0;
  for (let start = 0; start < length; start += BLOCK) {
    const end = min(start + BLOCK, length);
    let sum = f32x4.splat(0);
    let i = start;
    for (; i + LANES <= end; i += LANES) {
      const at = <usize>i << 2;
      const term = exp4(madd(v128.load(x + at), factor, offset), table);
      if (y != 0) v128.store(y + at, term);
      sum = f32x4.add(sum, term);
    }
    if (i < end) {
      const at = <usize>i << 2;
      const term = exp4(madd(loadTail(x + at, end - i), factor, offset), table);
      if (y != 0) storeTail(y + at, term, end - i);
      sum = f32x4.add(sum, maskTail(term, end - i));
    }
    total += horizontalSum(sum);
  }
  return total;
}

/** `x *= factor`. */
function scaleInPlace(x: usize, length: i32, factor: f32): void {
  const f = f32x4.splat(factor);
  let i = 0;
  for (; i + LANES <= length; i += LANES) {
    const at = x + (<usize>i << 2);
    v128.store(at, f32x4.mul(v128.load(at), f));
  }
  for (; i < length; i++) {
    const at = x + (<usize>i << 2);
    store<f32>(at, load<f32>(at) * factor);
  }
}

/** `y = softmax(scale x)` of each `[T, S]` matrix, row i over the columns `j <= i + S - T`, zeros elsewhere. */
export function causalSoftmax(x: usize, y: usize, batch: i32, T: i32, S: i32, scale: f32): void {
  for (let b = 0; b < batch; b++) {
    for (let i = 0; i < T; i++) {
      const visible = max(min(i + 1 + S - T, S), 0);
      if (visible > 0) {
        const shift = scale * (scale >= 0 ? maxOf(x, visible) : minOf(x, visible));
        const total = sumOfExponentials(x, y, visible, scale, shift);
        scaleInPlace(y, visible, <f32>(1 / total));
      }
      memory.fill(y + (<usize>visible << 2), 0, <usize>(S - visible) << 2);
      x += <usize>S << 2;
      y += <usize>S << 2;
    }
  }
}

/** `dx = scale y (dy - sum(dy y))` over the visible columns, zeros elsewhere. */
export function causalSoftmaxGrad(dy: usize, y: usize, dx: usize, batch: i32, T: i32, S: i32, scale: f32): void {
  const factor = f32x4.splat(scale);
  for (let b = 0; b < batch; b++) {
    for (let i = 0; i < T; i++) {
      const visible = max(min(i + 1 + S - T, S), 0);
      const inner = f32x4.splat(<f32>dot(dy, y, visible));
      let j = 0;
      for (; j + LANES <= visible; j += LANES) {
        const at = <usize>j << 2;
        const centered = f32x4.sub(v128.load(dy + at), inner);
        v128.store(dx + at, f32x4.mul(f32x4.mul(v128.load(y + at), factor), centered));
      }
      if (j < visible) {
        const at = <usize>j << 2, left = visible - j;
        const centered = f32x4.sub(loadTail(dy + at, left), inner);
        storeTail(dx + at, f32x4.mul(f32x4.mul(loadTail(y + at, left), factor), centered), left);
      }
      memory.fill(dx + (<usize>visible << 2), 0, <usize>(S - visible) << 2);
      dy += <usize>S << 2;
      y += <usize>S << 2;
      dx += <usize>S << 2;
    }
  }
}

function dot(a: usize, b: usize, length: i32): f64 {
  let total: f64 = 0;
  for (let start = 0; start < length; start += BLOCK) {
    const end = min(start + BLOCK, length);
    let sum = f32x4.splat(0);
    let i = start;
    for (; i + LANES <= end; i += LANES) {
      const at = <usize>i << 2;
      sum = madd(v128.load(a + at), v128.load(b + at), sum);
    }
    if (i < end) {
      const at = <usize>i << 2;
      sum = madd(loadTail(a + at, end - i), loadTail(b + at, end - i), sum);
    }
    total += horizontalSum(sum);
  }
  return total;
}
