/**
 * Elementary functions on four lanes: Cephes (Moshier) for exp and log, Eigen's rational minimax forms for tanh and erf.
 * Errors against float64 are asserted by `elementwise.test.ts`.
 *
 * Constants lie in a table in memory and are broadcast as they are loaded: V8 builds a literal vector from four
 * instructions at every use, a load is one. Likewise `pmin` and `pmax` are one instruction where `min` and `max` are
 * eight; written with the variable first they let NaN through.
 */
import { madd } from "./vector";

// Slots of the table. A polynomial takes consecutive slots, highest power first.
const ONE: i32 = 0;
const BIAS: i32 = 1;
const MAGIC: i32 = 2;
const EXP_LOW: i32 = 3;
const EXP_HIGH: i32 = 4;
const LOG2_E: i32 = 5;
const LN2_HIGH: i32 = 6;
const LN2_LOW: i32 = 7;
const EXP_P: i32 = 8;
const LOG_P: i32 = 14;
const TANH_LIMIT: i32 = 23;
const TANH_P: i32 = 24;
const TANH_Q: i32 = 31;
const ERF_LIMIT: i32 = 35;
const ERF_P: i32 = 36;
const ERF_Q: i32 = 43;
const SLOTS: i32 = 48;

let table: usize = 0;

/** Bytes that {@link initialize} wants. */
export function tableBytes(): i32 {
  return SLOTS * 4;
}

/** Writes the table to memory that stays ours; once, before anything else. */
export function initialize(address: usize): void {
  table = address;
  put(ONE, 1);
  store<i32>(address + (BIAS << 2), 127);
  // 1.5 * 2^23: adding it rounds to an integer, which then stands in the low bits.
  put(MAGIC, 12582912);
  // Below -104 every float32 result of exp is 0 and above 88.73 it is infinite.
  put(EXP_LOW, -105);
  put(EXP_HIGH, 89);
  put(LOG2_E, 1.44269504088896341);
  // ln 2 in two parts: the first has few bits, so that an integer times it is exact.
  put(LN2_HIGH, 0.693359375);
  put(LN2_LOW, -2.1219444e-4);
  six(EXP_P, 1.98756915e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1);
  six(LOG_P, 7.0376836292e-2, -1.151461031e-1, 1.167699874e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1);
  put(LOG_P + 6, 2.0000714765e-1);
  put(LOG_P + 7, -2.4999993993e-1);
  put(LOG_P + 8, 3.3333331174e-1);
  // Beyond these limits the float32 results are 1.
  put(TANH_LIMIT, 7.90531110763549805);
  six(TANH_P, -2.76076847742355e-16, 2.00018790482477e-13, -8.60467152213735e-11, 5.12229709037114e-8, 1.48572235717979e-5, 6.37261928875436e-4);
  put(TANH_P + 6, 4.89352455891786e-3);
  put(TANH_Q, 1.19825839466702e-6);
  put(TANH_Q + 1, 1.18534705686654e-4);
  put(TANH_Q + 2, 2.2684346324390e-3);
  put(TANH_Q + 3, 4.89352518554385e-3);
  put(ERF_LIMIT, 4);
  six(ERF_P, -2.72614225801306e-10, 2.77068142495902e-8, -2.10102402082508e-6, -5.69250639462346e-5, -7.34990630326855e-4, -2.95459980854025e-3);
  put(ERF_P + 6, -1.60960333262415e-2);
  put(ERF_Q, -1.45660718464996e-5);
  put(ERF_Q + 1, -2.13374055278905e-4);
  put(ERF_Q + 2, -1.68282697438203e-3);
  put(ERF_Q + 3, -7.37332916720468e-3);
  put(ERF_Q + 4, -1.42647390514189e-2);
}

function put(slot: i32, value: f32): void {
  store<f32>(table + (<usize>slot << 2), value);
}

function six(slot: i32, c0: f32, c1: f32, c2: f32, c3: f32, c4: f32, c5: f32): void {
  put(slot, c0);
  put(slot + 1, c1);
  put(slot + 2, c2);
  put(slot + 3, c3);
  put(slot + 4, c4);
  put(slot + 5, c5);
}

/** The table's address, which every function below takes: loops read it once. */
// @ts-ignore: decorator
@inline
export function constants(): usize {
  return table;
}

// @ts-ignore: decorator
@inline
function constant(t: usize, slot: i32): v128 {
  return v128.load32_splat(t + (<usize>slot << 2));
}

/** `2^n` for integers -126 <= n <= 127 in every lane. */
// @ts-ignore: decorator
@inline
function powerOfTwo(n: v128, t: usize): v128 {
  return i32x4.shl(i32x4.add(n, constant(t, BIAS)), 23);
}

/** `e^x`; `2^n` is applied in two halves because `n` reaches 128 and denormal results need -150. */
// @ts-ignore: decorator
@inline
export function exp4(x: v128, t: usize): v128 {
  const bounded = f32x4.pmin(f32x4.pmax(x, constant(t, EXP_LOW)), constant(t, EXP_HIGH));
  const shifted = madd(bounded, constant(t, LOG2_E), constant(t, MAGIC));
  const minusN = f32x4.sub(constant(t, MAGIC), shifted);
  let r = madd(minusN, constant(t, LN2_HIGH), bounded);
  r = madd(minusN, constant(t, LN2_LOW), r);
  let p = madd(constant(t, EXP_P), r, constant(t, EXP_P + 1));
  p = madd(p, r, constant(t, EXP_P + 2));
  p = madd(p, r, constant(t, EXP_P + 3));
  p = madd(p, r, constant(t, EXP_P + 4));
  p = madd(p, r, constant(t, EXP_P + 5));
  const y = f32x4.add(madd(p, f32x4.mul(r, r), r), constant(t, ONE));
  const whole = i32x4.sub(shifted, constant(t, MAGIC));
  const half = i32x4.shr_s(whole, 1);
  return f32x4.mul(f32x4.mul(y, powerOfTwo(half, t)), powerOfTwo(i32x4.sub(whole, half), t));
}

/** `ln x`; -infinity at 0, NaN below. */
// @ts-ignore: decorator
@inline
export function log4(x: v128, t: usize): v128 {
  // Denormals have no implicit leading bit; scaled by 2^25 they have.
  const tiny = f32x4.lt(x, f32x4.splat(1.17549435e-38));
  const scaled = v128.bitselect(f32x4.mul(x, f32x4.splat(33554432)), x, tiny);
  const exponent = i32x4.sub(i32x4.shr_u(scaled, 23), i32x4.splat(126));
  let e = f32x4.sub(f32x4.convert_i32x4_s(exponent), v128.and(tiny, f32x4.splat(25)));
  const mantissa = v128.or(v128.and(scaled, i32x4.splat(0x007fffff)), i32x4.splat(0x3f000000));
  const small = f32x4.lt(mantissa, f32x4.splat(0.707106781186547524));
  e = f32x4.sub(e, v128.and(small, constant(t, ONE)));
  const r = f32x4.sub(f32x4.add(mantissa, v128.and(small, mantissa)), constant(t, ONE));
  let p = madd(constant(t, LOG_P), r, constant(t, LOG_P + 1));
  p = madd(p, r, constant(t, LOG_P + 2));
  p = madd(p, r, constant(t, LOG_P + 3));
  p = madd(p, r, constant(t, LOG_P + 4));
  p = madd(p, r, constant(t, LOG_P + 5));
  p = madd(p, r, constant(t, LOG_P + 6));
  p = madd(p, r, constant(t, LOG_P + 7));
  p = madd(p, r, constant(t, LOG_P + 8));
  const square = f32x4.mul(r, r);
  let y = f32x4.mul(f32x4.mul(p, r), square);
  y = madd(e, constant(t, LN2_LOW), y);
  y = madd(square, f32x4.splat(-0.5), y);
  let result = madd(e, constant(t, LN2_HIGH), f32x4.add(r, y));
  const infinite = f32x4.splat(Infinity);
  result = v128.bitselect(infinite, result, f32x4.eq(x, infinite));
  result = v128.bitselect(f32x4.splat(-Infinity), result, f32x4.eq(x, f32x4.splat(0)));
  // Not greater or equal: below zero, or NaN.
  return v128.bitselect(result, f32x4.splat(NaN), f32x4.ge(x, f32x4.splat(0)));
}

/** `1 / (1 + e^-x)`. */
// @ts-ignore: decorator
@inline
export function sigmoid4(x: v128, t: usize): v128 {
  const one = constant(t, ONE);
  return f32x4.div(one, f32x4.add(one, exp4(f32x4.neg(x), t)));
}

// @ts-ignore: decorator
@inline
function bound(x: v128, limit: v128): v128 {
  return f32x4.pmin(f32x4.pmax(x, f32x4.neg(limit)), limit);
}

/** Seven coefficients in powers of `square`. */
// @ts-ignore: decorator
@inline
function polynomial7(square: v128, t: usize, slot: i32): v128 {
  let p = madd(constant(t, slot), square, constant(t, slot + 1));
  p = madd(p, square, constant(t, slot + 2));
  p = madd(p, square, constant(t, slot + 3));
  p = madd(p, square, constant(t, slot + 4));
  p = madd(p, square, constant(t, slot + 5));
  return madd(p, square, constant(t, slot + 6));
}

/** `tanh x`: an odd rational function of degree 13 over 6. */
// @ts-ignore: decorator
@inline
export function tanh4(x: v128, t: usize): v128 {
  const bounded = bound(x, constant(t, TANH_LIMIT));
  const square = f32x4.mul(bounded, bounded);
  const p = polynomial7(square, t, TANH_P);
  let q = madd(constant(t, TANH_Q), square, constant(t, TANH_Q + 1));
  q = madd(q, square, constant(t, TANH_Q + 2));
  q = madd(q, square, constant(t, TANH_Q + 3));
  const value = f32x4.div(f32x4.mul(p, bounded), q);
  // Tiny arguments are their own tanh, the sign of zero included.
  return v128.bitselect(x, value, f32x4.lt(f32x4.abs(x), f32x4.splat(0.0004)));
}

/** `erf x`: an odd rational function of degree 13 over 8. */
// @ts-ignore: decorator
@inline
export function erf4(x: v128, t: usize): v128 {
  const bounded = bound(x, constant(t, ERF_LIMIT));
  const square = f32x4.mul(bounded, bounded);
  const p = polynomial7(square, t, ERF_P);
  let q = madd(constant(t, ERF_Q), square, constant(t, ERF_Q + 1));
  q = madd(q, square, constant(t, ERF_Q + 2));
  q = madd(q, square, constant(t, ERF_Q + 3));
  q = madd(q, square, constant(t, ERF_Q + 4));
  return f32x4.div(f32x4.mul(p, bounded), q);
}
