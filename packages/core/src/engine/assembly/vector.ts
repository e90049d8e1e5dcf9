/**
 * Four-lane building blocks that every kernel shares.
 *
 * The bits of a result must not depend on where in a row it stands, so tails go through the same vector instructions
 * as the body: `loadTail` fills the missing lanes with zeros and `storeTail` writes only the lanes that exist.
 */

/** Lanes of one vector. */
export const LANES: i32 = 4;

/** `a * b + c`: fused in the relaxed build, two roundings in the plain one; never a mixture within one build. */
// @ts-ignore: decorator
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}

/** The first `count` (1 to 3) floats at `from`, zeros behind them. */
// @ts-ignore: decorator
@inline
export function loadTail(from: usize, count: i32): v128 {
  let value = v128.load32_zero(from);
  if (count > 1) value = v128.load32_lane(from, value, 1, 4);
  if (count > 2) value = v128.load32_lane(from, value, 2, 8);
  return value;
}

/** Writes the first `count` (1 to 3) lanes. */
// @ts-ignore: decorator
@inline
export function storeTail(to: usize, value: v128, count: i32): void {
  v128.store32_lane(to, value, 0);
  if (count > 1) v128.store32_lane(to, value, 1, 4);
  if (count > 2) v128.store32_lane(to, value, 2, 8);
}

/** `(v0 + v1) + (v2 + v3)` in float64. */
// @ts-ignore: decorator
@inline
export function horizontalSum(value: v128): f64 {
  const low = f64x2.promote_low_f32x4(value);
  const high = f64x2.promote_low_f32x4(v128.shuffle<i32>(value, value, 2, 3, 0, 1));
  const pair = f64x2.add(low, high);
  return f64x2.extract_lane(pair, 0) + f64x2.extract_lane(pair, 1);
}

/** The largest lane. */
// @ts-ignore: decorator
@inline
export function horizontalMax(value: v128): f32 {
  const half = f32x4.max(value, v128.shuffle<i32>(value, value, 2, 3, 0, 1));
  return max(f32x4.extract_lane(half, 0), f32x4.extract_lane(half, 1));
}
