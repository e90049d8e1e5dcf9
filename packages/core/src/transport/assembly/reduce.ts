/**
 * Reductions over the ranks' outboxes, in SIMD, directly on the shared memory.
 *
 * `table` holds one byte address (u32) per rank; `target[i] = sources[0][i] op sources[1][i] op ... op sources[n-1][i]`,
 * always in that order, so every rank that reduces an element gets the same bits. All sources are read before a target
 * element is written, so the target may be one of the sources.
 *
 * Compiled by `packages/core/scripts/build-reduce-wasm.mjs` into `../generated/reduce.wasm.ts`.
 */

const SUM: i32 = 0;
const MAX: i32 = 1;
const MIN: i32 = 2;
const AVG: i32 = 3;

/** Bytes of one SIMD vector. */
const VECTOR: usize = 16;
/** Four vectors, one cache line, per turn: the loop over ranks then costs little. */
const BLOCK: usize = 64;

// @ts-ignore: decorator
@inline
function source(table: usize, rank: i32): usize {
  return <usize>load<u32>(table + ((<usize>rank) << 2));
}

// @ts-ignore: decorator
@inline
function float32Vectors(op: i32, a: v128, b: v128): v128 {
  if (op == MAX) return f32x4.max(a, b);
  if (op == MIN) return f32x4.min(a, b);
  return f32x4.add(a, b);
}

// @ts-ignore: decorator
@inline
function float32Scalars(op: i32, a: f32, b: f32): f32 {
  if (op == MAX) return max<f32>(a, b);
  if (op == MIN) return min<f32>(a, b);
  return a + b;
}

// @ts-ignore: decorator
@inline
function reduceFloat32(op: i32, table: usize, ranks: i32, target: usize, count: i32): void {
  const end: usize = (<usize>count) << 2;
  const divisor: f32 = <f32>ranks;
  const divisors: v128 = f32x4.splat(divisor);
  let at: usize = 0;
  for (; at + BLOCK <= end; at += BLOCK) {
    let from: usize = source(table, 0) + at;
    let a: v128 = v128.load(from);
    let b: v128 = v128.load(from, VECTOR);
    let c: v128 = v128.load(from, 2 * VECTOR);
    let d: v128 = v128.load(from, 3 * VECTOR);
    for (let rank: i32 = 1; rank < ranks; rank++) {
      from = source(table, rank) + at;
      a = float32Vectors(op, a, v128.load(from));
      b = float32Vectors(op, b, v128.load(from, VECTOR));
      c = float32Vectors(op, c, v128.load(from, 2 * VECTOR));
      d = float32Vectors(op, d, v128.load(from, 3 * VECTOR));
    }
    if (op == AVG) {
      a = f32x4.div(a, divisors);
      b = f32x4.div(b, divisors);
      c = f32x4.div(c, divisors);
      d = f32x4.div(d, divisors);
    }
    v128.store(target + at, a);
    v128.store(target + at, b, VECTOR);
    v128.store(target + at, c, 2 * VECTOR);
    v128.store(target + at, d, 3 * VECTOR);
  }
  for (; at < end; at += 4) {
    let value: f32 = load<f32>(source(table, 0) + at);
    for (let rank: i32 = 1; rank < ranks; rank++) {
      value = float32Scalars(op, value, load<f32>(source(table, rank) + at));
    }
    if (op == AVG) value = value / divisor;
    store<f32>(target + at, value);
  }
}

// @ts-ignore: decorator
@inline
function int32Vectors(op: i32, a: v128, b: v128): v128 {
  if (op == MAX) return i32x4.max_s(a, b);
  if (op == MIN) return i32x4.min_s(a, b);
  return i32x4.add(a, b);
}

// @ts-ignore: decorator
@inline
function int32Scalars(op: i32, a: i32, b: i32): i32 {
  if (op == MAX) return max<i32>(a, b);
  if (op == MIN) return min<i32>(a, b);
  return a + b;
}

// @ts-ignore: decorator
@inline
function reduceInt32(op: i32, table: usize, ranks: i32, target: usize, count: i32): void {
  const end: usize = (<usize>count) << 2;
  let at: usize = 0;
  for (; at + VECTOR <= end; at += VECTOR) {
    let value: v128 = v128.load(source(table, 0) + at);
    for (let rank: i32 = 1; rank < ranks; rank++) {
      value = int32Vectors(op, value, v128.load(source(table, rank) + at));
    }
    v128.store(target + at, value);
  }
  for (; at < end; at += 4) {
    let value: i32 = load<i32>(source(table, 0) + at);
    for (let rank: i32 = 1; rank < ranks; rank++) {
      value = int32Scalars(op, value, load<i32>(source(table, rank) + at));
    }
    store<i32>(target + at, value);
  }
}

// @ts-ignore: decorator
@inline
function bytesVectors(op: i32, a: v128, b: v128): v128 {
  if (op == MAX) return i8x16.max_u(a, b);
  if (op == MIN) return i8x16.min_u(a, b);
  return i8x16.add(a, b);
}

// @ts-ignore: decorator
@inline
function bytesScalars(op: i32, a: u32, b: u32): u32 {
  if (op == MAX) return max<u32>(a, b);
  if (op == MIN) return min<u32>(a, b);
  return a + b;
}

// @ts-ignore: decorator
@inline
function reduceBytes(op: i32, table: usize, ranks: i32, target: usize, count: i32): void {
  const end: usize = <usize>count;
  let at: usize = 0;
  for (; at + VECTOR <= end; at += VECTOR) {
    let value: v128 = v128.load(source(table, 0) + at);
    for (let rank: i32 = 1; rank < ranks; rank++) {
      value = bytesVectors(op, value, v128.load(source(table, rank) + at));
    }
    v128.store(target + at, value);
  }
  for (; at < end; at++) {
    let value: u32 = load<u8>(source(table, 0) + at);
    for (let rank: i32 = 1; rank < ranks; rank++) {
      value = bytesScalars(op, value, load<u8>(source(table, rank) + at));
    }
    store<u8>(target + at, <u8>value);
  }
}

export function sumFloat32(table: usize, ranks: i32, target: usize, count: i32): void {
  reduceFloat32(SUM, table, ranks, target, count);
}
export function maxFloat32(table: usize, ranks: i32, target: usize, count: i32): void {
  reduceFloat32(MAX, table, ranks, target, count);
}
export function minFloat32(table: usize, ranks: i32, target: usize, count: i32): void {
  reduceFloat32(MIN, table, ranks, target, count);
}
export function avgFloat32(table: usize, ranks: i32, target: usize, count: i32): void {
  reduceFloat32(AVG, table, ranks, target, count);
}

export function sumInt32(table: usize, ranks: i32, target: usize, count: i32): void {
  reduceInt32(SUM, table, ranks, target, count);
}
export function maxInt32(table: usize, ranks: i32, target: usize, count: i32): void {
  reduceInt32(MAX, table, ranks, target, count);
}
export function minInt32(table: usize, ranks: i32, target: usize, count: i32): void {
  reduceInt32(MIN, table, ranks, target, count);
}
/** The exact sum (64 bits) divided by the number of ranks, rounded toward zero. */
export function avgInt32(table: usize, ranks: i32, target: usize, count: i32): void {
  const end: usize = (<usize>count) << 2;
  for (let at: usize = 0; at < end; at += 4) {
    let total: i64 = 0;
    for (let rank: i32 = 0; rank < ranks; rank++) total += <i64>load<i32>(source(table, rank) + at);
    store<i32>(target + at, <i32>(total / <i64>ranks));
  }
}

export function sumBytes(table: usize, ranks: i32, target: usize, count: i32): void {
  reduceBytes(SUM, table, ranks, target, count);
}
export function maxBytes(table: usize, ranks: i32, target: usize, count: i32): void {
  reduceBytes(MAX, table, ranks, target, count);
}
export function minBytes(table: usize, ranks: i32, target: usize, count: i32): void {
  reduceBytes(MIN, table, ranks, target, count);
}
/** The exact sum divided by the number of ranks, rounded down. */
export function avgBytes(table: usize, ranks: i32, target: usize, count: i32): void {
  for (let at: usize = 0; at < <usize>count; at++) {
    let total: u32 = 0;
    for (let rank: i32 = 0; rank < ranks; rank++) total += <u32>load<u8>(source(table, rank) + at);
    store<u8>(target + at, <u8>(total / <u32>ranks));
  }
}
