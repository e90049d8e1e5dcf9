/**
 * Elementary functions on four lanes: Cephes (Moshier) for exp and log, Eigen's rational minimax forms for tanh and erf.
 * Errors against float64 are asserted by `unary.test.ts`.
 */
import { madd } from "./vector";

// @ts-ignore: decorator
@inline
function constant(value: f32): v128 {
  return f32x4.splat(value);
}

/** `2^n` for integers -126 <= n <= 127 in every lane. */
// @ts-ignore: decorator
@inline
function powerOfTwo(n: v128): v128 {
  return i32x4.shl(i32x4.add(n, i32x4.splat(127)), 23);
}

/**
 * `e^x`. Below -104 every float32 result is 0 and above 88.73 it is infinite, so the argument is clamped just outside;
 * `2^n` is applied in two halves because `n` reaches 128 and denormal results need -150.
 */
// @ts-ignore: decorator
@inline
export function exp4(x: v128): v128 {
  const bounded = f32x4.min(f32x4.max(x, constant(-105)), constant(89));
  const n = f32x4.nearest(f32x4.mul(bounded, constant(1.44269504088896341)));
  // ln 2 in two parts: the first has few bits, so that n times it is exact.
  let r = madd(n, constant(-0.693359375), bounded);
  r = madd(n, constant(2.12194440e-4), r);
  let p = constant(1.9875691500e-4);
  p = madd(p, r, constant(1.3981999507e-3));
  p = madd(p, r, constant(8.3334519073e-3));
  p = madd(p, r, constant(4.1665795894e-2));
  p = madd(p, r, constant(1.6666665459e-1));
  p = madd(p, r, constant(5.0000001201e-1));
  const y = f32x4.add(madd(p, f32x4.mul(r, r), r), constant(1));
  const whole = i32x4.trunc_sat_f32x4_s(n);
  const half = i32x4.shr_s(whole, 1);
  return f32x4.mul(f32x4.mul(y, powerOfTwo(half)), powerOfTwo(i32x4.sub(whole, half)));
}

/** `ln x`; -infinity at 0, NaN below. */
// @ts-ignore: decorator
@inline
export function log4(x: v128): v128 {
  // Denormals have no implicit leading bit; scaled by 2^25 they have.
  const tiny = f32x4.lt(x, constant(1.17549435e-38));
  const scaled = v128.bitselect(f32x4.mul(x, constant(33554432)), x, tiny);
  const exponent = i32x4.sub(i32x4.shr_u(scaled, 23), i32x4.splat(126));
  let e = f32x4.sub(f32x4.convert_i32x4_s(exponent), v128.and(tiny, constant(25)));
  const mantissa = v128.or(v128.and(scaled, i32x4.splat(0x007fffff)), i32x4.splat(0x3f000000));
  const small = f32x4.lt(mantissa, constant(0.707106781186547524));
  e = f32x4.sub(e, v128.and(small, constant(1)));
  const r = f32x4.sub(f32x4.add(mantissa, v128.and(small, mantissa)), constant(1));
  let p = constant(7.0376836292e-2);
  p = madd(p, r, constant(-1.1514610310e-1));
  p = madd(p, r, constant(1.1676998740e-1));
  p = madd(p, r, constant(-1.2420140846e-1));
  p = madd(p, r, constant(1.4249322787e-1));
  p = madd(p, r, constant(-1.6668057665e-1));
  p = madd(p, r, constant(2.0000714765e-1));
  p = madd(p, r, constant(-2.4999993993e-1));
  p = madd(p, r, constant(3.3333331174e-1));
  const square = f32x4.mul(r, r);
  let y = f32x4.mul(f32x4.mul(p, r), square);
  y = madd(e, constant(-2.12194440e-4), y);
  y = madd(square, constant(-0.5), y);
  let result = madd(e, constant(0.693359375), f32x4.add(r, y));
  const infinite = constant(Infinity);
  result = v128.bitselect(infinite, result, f32x4.eq(x, infinite));
  result = v128.bitselect(constant(-Infinity), result, f32x4.eq(x, constant(0)));
  // Not greater or equal: below zero, or NaN.
  return v128.bitselect(result, constant(NaN), f32x4.ge(x, constant(0)));
}

/** `1 / (1 + e^-x)`. */
// @ts-ignore: decorator
@inline
export function sigmoid4(x: v128): v128 {
  const one = constant(1);
  return f32x4.div(one, f32x4.add(one, exp4(f32x4.neg(x))));
}

/** `tanh x`: an odd rational function of degree 13 over 6; beyond 7.9053 the float32 result is 1. */
// @ts-ignore: decorator
@inline
export function tanh4(x: v128): v128 {
  const limit = constant(7.90531110763549805);
  const bounded = f32x4.min(f32x4.max(x, f32x4.neg(limit)), limit);
  const square = f32x4.mul(bounded, bounded);
  let p = constant(-2.76076847742355e-16);
  p = madd(p, square, constant(2.00018790482477e-13));
  p = madd(p, square, constant(-8.60467152213735e-11));
  p = madd(p, square, constant(5.12229709037114e-8));
  p = madd(p, square, constant(1.48572235717979e-5));
  p = madd(p, square, constant(6.37261928875436e-4));
  p = madd(p, square, constant(4.89352455891786e-3));
  let q = constant(1.19825839466702e-6);
  q = madd(q, square, constant(1.18534705686654e-4));
  q = madd(q, square, constant(2.2684346324390e-3));
  q = madd(q, square, constant(4.89352518554385e-3));
  const value = f32x4.div(f32x4.mul(p, bounded), q);
  // Tiny arguments are their own tanh, the sign of zero included.
  return v128.bitselect(x, value, f32x4.lt(f32x4.abs(x), constant(0.0004)));
}

/** `erf x`: an odd rational function of degree 13 over 8; beyond 4 the float32 result is 1. */
// @ts-ignore: decorator
@inline
export function erf4(x: v128): v128 {
  const limit = constant(4);
  const bounded = f32x4.min(f32x4.max(x, f32x4.neg(limit)), limit);
  const square = f32x4.mul(bounded, bounded);
  let p = constant(-2.72614225801306e-10);
  p = madd(p, square, constant(2.77068142495902e-8));
  p = madd(p, square, constant(-2.10102402082508e-6));
  p = madd(p, square, constant(-5.69250639462346e-5));
  p = madd(p, square, constant(-7.34990630326855e-4));
  p = madd(p, square, constant(-2.95459980854025e-3));
  p = madd(p, square, constant(-1.60960333262415e-2));
  let q = constant(-1.45660718464996e-5);
  q = madd(q, square, constant(-2.13374055278905e-4));
  q = madd(q, square, constant(-1.68282697438203e-3));
  q = madd(q, square, constant(-7.37332916720468e-3));
  q = madd(q, square, constant(-1.42647390514189e-2));
  return f32x4.div(f32x4.mul(p, bounded), q);
}
