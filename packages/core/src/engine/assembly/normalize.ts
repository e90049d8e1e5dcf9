/**
 * Layer normalisation (Ba et al. 2016) and root-mean-square normalisation (Zhang and Sennrich 2019), forward and
 * backward, over rows of length D.
 *
 * Backward, with `g = dy * gamma` and `z = (x - mean) * rstd`:
 * `dx = rstd * (g - mean(g) - z * mean(g * z))`, `dgamma = sum over rows of dy * z`, `dbeta = sum over rows of dy`;
 * RMSNorm is the same with mean(x) = 0 and without the term mean(g).
 */
import { addToTotals, sumOf } from "./sum";
import { horizontalSum, LANES, loadTail, madd, storeTail } from "./vector";

/** Rows whose contributions to dgamma and dbeta are added in float32 before they go into the float64 totals. */
const BLOCK_ROWS: i32 = 16;
/** Floats of a row that are added in float32 before they go into a float64 total. */
const BLOCK: i32 = 256;

// @ts-ignore: decorator
@inline
function read(from: usize, left: i32): v128 {
  return left >= LANES ? v128.load(from) : loadTail(from, left);
}

// @ts-ignore: decorator
@inline
function write(to: usize, value: v128, left: i32): void {
  if (left >= LANES) v128.store(to, value);
  else storeTail(to, value, left);
}

/** The sum of `(x - center)^2`. */
function sumOfSquares(x: usize, length: i32, center: f32): f64 {
  const c = f32x4.splat(center);
  let total: f64 = 0;
  for (let start = 0; start < length; start += BLOCK) {
    const end = min(start + BLOCK, length);
    let s0 = f32x4.splat(0), s1 = f32x4.splat(0);
    let i = start;
    for (; i + 2 * LANES <= end; i += 2 * LANES) {
      const at = x + (<usize>i << 2);
      const d0 = f32x4.sub(v128.load(at), c), d1 = f32x4.sub(v128.load(at, 16), c);
      s0 = madd(d0, d0, s0);
      s1 = madd(d1, d1, s1);
    }
    for (; i < end; i += LANES) {
      const left = end - i;
      let d = f32x4.sub(read(x + (<usize>i << 2), left), c);
      // Lanes behind the end hold -center, not zero.
      if (left < LANES) d = v128.and(d, i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(left)));
      s0 = madd(d, d, s0);
    }
    total += horizontalSum(f32x4.add(s0, s1));
  }
  return total;
}

export function layerNorm(
  x: usize, gamma: usize, beta: usize, y: usize, mean: usize, rstd: usize, rows: i32, length: i32, epsilon: f64,
): void {
  for (let r = 0; r < rows; r++) {
    const center = <f32>(sumOf(x, length) / length);
    const scale = <f32>(1 / Math.sqrt(sumOfSquares(x, length, center) / length + epsilon));
    store<f32>(mean + (<usize>r << 2), center);
    store<f32>(rstd + (<usize>r << 2), scale);
    const c = f32x4.splat(center), s = f32x4.splat(scale);
    for (let i = 0; i < length; i += LANES) {
      const at = <usize>i << 2, left = length - i;
      const z = f32x4.mul(f32x4.sub(read(x + at, left), c), s);
      write(y + at, madd(z, read(gamma + at, left), read(beta + at, left)), left);
    }
    x += <usize>length << 2;
    y += <usize>length << 2;
  }
}

export function rmsNorm(
  x: usize, gamma: usize, y: usize, rstd: usize, rows: i32, length: i32, epsilon: f64,
): void {
  for (let r = 0; r < rows; r++) {
    const scale = <f32>(1 / Math.sqrt(sumOfSquares(x, length, 0) / length + epsilon));
    store<f32>(rstd + (<usize>r << 2), scale);
    const s = f32x4.splat(scale);
    for (let i = 0; i < length; i += LANES) {
      const at = <usize>i << 2, left = length - i;
      write(y + at, f32x4.mul(f32x4.mul(read(x + at, left), s), read(gamma + at, left)), left);
    }
    x += <usize>length << 2;
    y += <usize>length << 2;
  }
}

/** Scratch of {@link normGrad}: per column a float64 total and a float32 block sum, for dgamma and for dbeta. */
export function normGradScratchBytes(length: i32): i32 {
  return ((length + LANES) * 2) * 12;
}

/**
 * Both backward passes. `mean` is 0 for RMSNorm, which has no `dbeta` either. Column sums are taken over rows in
 * blocks, so they lose no digits over many rows.
 */
export function normGrad(
  dy: usize, x: usize, gamma: usize, mean: usize, rstd: usize, dx: usize, dgamma: usize, dbeta: usize,
  rows: i32, length: i32, scratch: usize,
): void {
  const columns = (length + LANES - 1) & ~(LANES - 1);
  const gammaTotals = scratch, betaTotals = gammaTotals + (<usize>columns << 3);
  const gammaBlock = betaTotals + (<usize>columns << 3), betaBlock = gammaBlock + (<usize>columns << 2);
  memory.fill(gammaTotals, 0, <usize>columns << 4);
  for (let start = 0; start < rows; start += BLOCK_ROWS) {
    memory.fill(gammaBlock, 0, <usize>columns << 3);
    for (let r = start; r < min(start + BLOCK_ROWS, rows); r++) {
      const row = <usize>r * <usize>length << 2;
      const center: f32 = mean == 0 ? 0 : load<f32>(mean + (<usize>r << 2));
      const scale = load<f32>(rstd + (<usize>r << 2));
      gradRow(dy + row, x + row, gamma, dx + row, gammaBlock, betaBlock, length, center, scale, mean != 0);
    }
    for (let c = 0; c < columns; c += LANES) {
      addToTotals(gammaTotals + (<usize>c << 3), v128.load(gammaBlock + (<usize>c << 2)));
      addToTotals(betaTotals + (<usize>c << 3), v128.load(betaBlock + (<usize>c << 2)));
    }
  }
  for (let c = 0; c < length; c++) {
    store<f32>(dgamma + (<usize>c << 2), <f32>load<f64>(gammaTotals + (<usize>c << 3)));
    if (dbeta != 0) store<f32>(dbeta + (<usize>c << 2), <f32>load<f64>(betaTotals + (<usize>c << 3)));
  }
}

function gradRow(
  dy: usize, x: usize, gamma: usize, dx: usize, gammaBlock: usize, betaBlock: usize, length: i32,
  center: f32, scale: f32, centered: bool,
): void {
  const c = f32x4.splat(center), s = f32x4.splat(scale);
  let sumG: f64 = 0, sumGZ: f64 = 0;
  for (let start = 0; start < length; start += BLOCK) {
    const end = min(start + BLOCK, length);
    let g = f32x4.splat(0), gz = f32x4.splat(0);
    for (let i = start; i < end; i += LANES) {
      const at = <usize>i << 2, left = length - i;
      const d = read(dy + at, left);
      const z = f32x4.mul(f32x4.sub(read(x + at, left), c), s);
      const dyGamma = f32x4.mul(d, read(gamma + at, left));
      g = f32x4.add(g, dyGamma);
      gz = madd(dyGamma, z, gz);
      v128.store(gammaBlock + at, madd(d, z, v128.load(gammaBlock + at)));
      if (centered) v128.store(betaBlock + at, f32x4.add(d, v128.load(betaBlock + at)));
    }
    sumG += horizontalSum(g);
    sumGZ += horizontalSum(gz);
  }
  const meanG = f32x4.splat(centered ? <f32>(sumG / length) : 0);
  const meanGZ = f32x4.splat(<f32>(sumGZ / length));
  for (let i = 0; i < length; i += LANES) {
    const at = <usize>i << 2, left = length - i;
    const z = f32x4.mul(f32x4.sub(read(x + at, left), c), s);
    const g = f32x4.sub(f32x4.mul(read(dy + at, left), read(gamma + at, left)), meanG);
    write(dx + at, f32x4.mul(s, f32x4.sub(g, f32x4.mul(z, meanGZ))), left);
  }
}
