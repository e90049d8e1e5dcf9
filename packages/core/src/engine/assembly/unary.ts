/** Elementwise functions of one operand. The codes are those of `UnaryCode` in `wasm-kernels/unary.ts`. */
import { constants, erf4, exp4, log4, sigmoid4, tanh4 } from "./elementary";
import { LANES, loadTail, storeTail } from "./vector";

const EXP: i32 = 0;
const LOG: i32 = 1;
const TANH: i32 = 2;
const SIGMOID: i32 = 3;
const ERF: i32 = 4;
const SQRT: i32 = 5;
const RSQRT: i32 = 6;
const SQUARE: i32 = 7;
const RECIPROCAL: i32 = 8;
const CUBE: i32 = 9;

// @ts-ignore: decorator
@inline
function apply(code: i32, x: v128, t: usize): v128 {
  if (code == EXP) return exp4(x, t);
  if (code == LOG) return log4(x, t);
  if (code == TANH) return tanh4(x, t);
  if (code == SIGMOID) return sigmoid4(x, t);
  if (code == ERF) return erf4(x, t);
  if (code == SQRT) return f32x4.sqrt(x);
  if (code == RSQRT) return f32x4.div(f32x4.splat(1), f32x4.sqrt(x));
  if (code == SQUARE) return f32x4.mul(x, x);
  if (code == RECIPROCAL) return f32x4.div(f32x4.splat(1), x);
  return f32x4.mul(f32x4.mul(x, x), x);
}

/** Inlined with a constant code, so that each function has a loop of its own. */
// @ts-ignore: decorator
@inline
function map(code: i32, x: usize, y: usize, length: i32): void {
  const body = length & ~(LANES - 1), t = constants();
  for (let i = 0; i < body; i += LANES) {
    const at = <usize>i << 2;
    v128.store(y + at, apply(code, v128.load(x + at), t));
  }
  const at = <usize>body << 2;
  if (body < length) storeTail(y + at, apply(code, loadTail(x + at, length - body), t), length - body);
}

export function unary(code: i32, x: usize, y: usize, length: i32): void {
  if (code == EXP) map(EXP, x, y, length);
  else if (code == LOG) map(LOG, x, y, length);
  else if (code == TANH) map(TANH, x, y, length);
  else if (code == SIGMOID) map(SIGMOID, x, y, length);
  else if (code == ERF) map(ERF, x, y, length);
  else if (code == SQRT) map(SQRT, x, y, length);
  else if (code == RSQRT) map(RSQRT, x, y, length);
  else if (code == SQUARE) map(SQUARE, x, y, length);
  else if (code == RECIPROCAL) map(RECIPROCAL, x, y, length);
  else map(CUBE, x, y, length);
}
