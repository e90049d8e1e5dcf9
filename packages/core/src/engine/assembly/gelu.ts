/** GELU (Hendrycks and Gimpel 2016), exact and in the tanh approximation that GPT-2 uses, with their derivatives. */
import { constants, erf4, exp4, sigmoid4 } from "./elementary";
import { LANES, loadTail, madd, storeTail } from "./vector";

/** sqrt(2 / pi). */
const ROOT_TWO_OVER_PI: f32 = 0.7978845608028654;
const CUBIC: f32 = 0.044715;
/** 1 / sqrt(2). */
const ROOT_HALF: f32 = 0.7071067811865476;
/** 1 / sqrt(2 pi). */
const NORMAL_PEAK: f32 = 0.3989422804014327;

/** `x sigmoid(2 u)`, which is `x (1 + tanh u) / 2` without the cancellation at large negative x. */
// @ts-ignore: decorator
@inline
function geluTanh4(x: v128, t: usize): v128 {
  const square = f32x4.mul(x, x);
  const slope = madd(square, f32x4.splat(2 * ROOT_TWO_OVER_PI * CUBIC), f32x4.splat(2 * ROOT_TWO_OVER_PI));
  return f32x4.mul(x, sigmoid4(f32x4.mul(x, slope), t));
}

// @ts-ignore: decorator
@inline
function geluTanhDerivative4(x: v128, t: usize): v128 {
  const square = f32x4.mul(x, x);
  const slope = madd(square, f32x4.splat(2 * ROOT_TWO_OVER_PI * CUBIC), f32x4.splat(2 * ROOT_TWO_OVER_PI));
  const inner = madd(square, f32x4.splat(6 * ROOT_TWO_OVER_PI * CUBIC), f32x4.splat(2 * ROOT_TWO_OVER_PI));
  const s = sigmoid4(f32x4.mul(x, slope), t);
  const complement = f32x4.sub(f32x4.splat(1), s);
  return madd(f32x4.mul(x, inner), f32x4.mul(s, complement), s);
}

// @ts-ignore: decorator
@inline
function normalDistribution4(x: v128, t: usize): v128 {
  return f32x4.mul(f32x4.splat(0.5), f32x4.add(f32x4.splat(1), erf4(f32x4.mul(x, f32x4.splat(ROOT_HALF)), t)));
}

// @ts-ignore: decorator
@inline
function geluErfDerivative4(x: v128, t: usize): v128 {
  const density = f32x4.mul(f32x4.splat(NORMAL_PEAK), exp4(f32x4.mul(f32x4.mul(x, x), f32x4.splat(-0.5)), t));
  return madd(x, density, normalDistribution4(x, t));
}

// @ts-ignore: decorator
@inline
function value4(approximate: bool, x: v128, t: usize): v128 {
  if (approximate) return geluTanh4(x, t);
  return f32x4.mul(x, normalDistribution4(x, t));
}

// @ts-ignore: decorator
@inline
function derivative4(approximate: bool, x: v128, t: usize): v128 {
  if (approximate) return geluTanhDerivative4(x, t);
  return geluErfDerivative4(x, t);
}

// @ts-ignore: decorator
@inline
function mapValue(approximate: bool, x: usize, y: usize, length: i32): void {
  const body = length & ~(LANES - 1), t = constants();
  for (let i = 0; i < body; i += LANES) {
    const at = <usize>i << 2;
    v128.store(y + at, value4(approximate, v128.load(x + at), t));
  }
  const at = <usize>body << 2;
  if (body < length) storeTail(y + at, value4(approximate, loadTail(x + at, length - body), t), length - body);
}

// @ts-ignore: decorator
@inline
function mapGradient(approximate: bool, dy: usize, x: usize, dx: usize, length: i32): void {
  const body = length & ~(LANES - 1), t = constants();
  for (let i = 0; i < body; i += LANES) {
    const at = <usize>i << 2;
    v128.store(dx + at, f32x4.mul(v128.load(dy + at), derivative4(approximate, v128.load(x + at), t)));
  }
  const left = length - body;
  const at = <usize>body << 2;
  if (left > 0) {
    const slope = derivative4(approximate, loadTail(x + at, left), t);
    storeTail(dx + at, f32x4.mul(loadTail(dy + at, left), slope), left);
  }
}

export function gelu(approximate: bool, x: usize, y: usize, length: i32): void {
  if (approximate) mapValue(true, x, y, length);
  else mapValue(false, x, y, length);
}

export function geluGrad(approximate: bool, dy: usize, x: usize, dx: usize, length: i32): void {
  if (approximate) mapGradient(true, dy, x, dx, length);
  else mapGradient(false, dy, x, dx, length);
}
