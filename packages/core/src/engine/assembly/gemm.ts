/**
 * Single-precision matrix product `C = op(A) op(B)`, blocked and packed after Goto and van de Geijn 2008.
 *
 * Legend: M, N, K = rows of C, columns of C, length of the sums; MR x NR = the tile of C that lives in registers.
 *
 * Both operands are copied into panels first, and the copy is where a transpose happens, so that all four transpose
 * combinations run the same inner loop. Every element of C is the sum over blocks of KC terms, each block added up in
 * the order of k; neither the position of the element nor M nor N enters, so a shard of the rows or columns of a
 * product holds the very bits of the whole product.
 */
import { LANES, loadTail, madd, storeTail } from "./vector";

/** Twelve accumulators, two vectors of B and one broadcast of A: the 15 vector registers that V8 hands out on x64. */
const MR: i32 = 6;
const NR: i32 = 8;
/** A panel of B (KC x NR floats, 8 KiB) and one of A (6 KiB) share a 32 KiB first-level cache. */
const KC: i32 = 256;
/** A block of A (MC x KC floats, 192 KiB) stays in a 512 KiB second-level cache; a multiple of MR. */
const MC: i32 = 192;
/** A block of B (KC x NC floats, 2 MiB) stays in the third-level cache; a multiple of 2 NR. */
const NC: i32 = 2048;

/** Up to so many rows a copy of B costs more than it saves: B is streamed once instead. */
const THIN: i32 = 4;

/** Bytes of scratch that {@link gemm} needs for a product of this size. */
export function gemmScratchBytes(m: i32, n: i32, k: i32): i32 {
  const thin = m <= THIN ? m * n * 4 : 0;
  const depth = min(k, KC);
  const rows = roundUp(min(m, MC), MR);
  const columns = roundUp(min(n, NC), 2 * NR);
  return max(thin, (depth * (rows + columns) + MR * NR) * 4 + 16);
}

// @ts-ignore: decorator
@inline
function roundUp(value: i32, multiple: i32): i32 {
  return ((value + multiple - 1) / multiple) * multiple;
}

/**
 * `C[i, j] = sum_k A[i, k] B[k, j]` with `A[i, k]` at `a + 4 (i aRow + k aColumn)` and likewise B; one of each pair of
 * strides is 1. C is row-major with row length `n`. `scratch` is 16-byte aligned.
 */
export function gemm(
  a: usize, aRow: i32, aColumn: i32,
  b: usize, bRow: i32, bColumn: i32,
  c: usize, m: i32, n: i32, k: i32,
  scratch: usize,
): void {
  if (m <= THIN && bColumn == 1) {
    thinGemm(a, aRow, aColumn, b, bRow, c, m, n, k, scratch);
    return;
  }
  const depth = min(k, KC);
  const packedB = scratch;
  const packedA = packedB + (<usize>(depth * roundUp(min(n, NC), 2 * NR)) << 2);
  const tile = packedA + (<usize>(depth * roundUp(min(m, MC), MR)) << 2);
  for (let jc = 0; jc < n; jc += NC) {
    const nc = min(n - jc, NC);
    for (let pc = 0; pc < k; pc += KC) {
      const kc = min(k - pc, KC);
      packB(b + (<usize>(pc * bRow + jc * bColumn) << 2), bRow, bColumn, kc, nc, packedB);
      for (let ic = 0; ic < m; ic += MC) {
        const mc = min(m - ic, MC);
        packA(a + (<usize>(ic * aRow + pc * aColumn) << 2), aRow, aColumn, mc, kc, packedA);
        multiplyBlock(packedA, packedB, c + (<usize>(ic * n + jc) << 2), n, mc, nc, kc, pc > 0, tile);
      }
    }
  }
}

/** The same sums in the same order for a few rows, with B as it lies; `partial` holds one depth block's sums. */
function thinGemm(
  a: usize, aRow: i32, aColumn: i32, b: usize, bRow: i32, c: usize, m: i32, n: i32, k: i32, partial: usize,
): void {
  const step = <usize>aColumn << 2, stride = <usize>bRow << 2;
  for (let pc = 0; pc < k; pc += KC) {
    const end = min(pc + KC, k);
    memory.fill(partial, 0, <usize>(m * n) << 2);
    for (let p = pc; p < end; ) {
      const rows = end - p >= 4 ? 4 : 1;
      const from = b + <usize>p * stride;
      for (let i = 0; i < m; i++) {
        const x = a + (<usize>(i * aRow) << 2) + <usize>p * step;
        const to = partial + (<usize>(i * n) << 2);
        if (rows == 4) addFourRows(x, step, from, stride, to, n);
        else addRow(v128.load32_splat(x), from, to, n);
      }
      p += rows;
    }
    if (pc == 0) memory.copy(c, partial, <usize>(m * n) << 2);
    else addRow(f32x4.splat(1), partial, c, m * n);
  }
}

/** `to += x0 b0 + x1 b1 + x2 b2 + x3 b3`, one after the other. */
function addFourRows(x: usize, step: usize, b: usize, stride: usize, to: usize, n: i32): void {
  const x0 = v128.load32_splat(x), x1 = v128.load32_splat(x + step);
  const x2 = v128.load32_splat(x + 2 * step), x3 = v128.load32_splat(x + 3 * step);
  const b1 = b + stride, b2 = b1 + stride, b3 = b2 + stride;
  let j = 0;
  for (; j + LANES <= n; j += LANES) {
    const at = <usize>j << 2;
    let sum = madd(x0, v128.load(b + at), v128.load(to + at));
    sum = madd(x1, v128.load(b1 + at), sum);
    sum = madd(x2, v128.load(b2 + at), sum);
    v128.store(to + at, madd(x3, v128.load(b3 + at), sum));
  }
  if (j == n) return;
  const at = <usize>j << 2, left = n - j;
  let sum = madd(x0, loadTail(b + at, left), loadTail(to + at, left));
  sum = madd(x1, loadTail(b1 + at, left), sum);
  sum = madd(x2, loadTail(b2 + at, left), sum);
  storeTail(to + at, madd(x3, loadTail(b3 + at, left), sum), left);
}

/** `to += x b`; with x = 1 the product is exact, fused or not. */
function addRow(x: v128, b: usize, to: usize, n: i32): void {
  let j = 0;
  for (; j + LANES <= n; j += LANES) {
    const at = <usize>j << 2;
    v128.store(to + at, madd(x, v128.load(b + at), v128.load(to + at)));
  }
  if (j == n) return;
  const at = <usize>j << 2, left = n - j;
  storeTail(to + at, madd(x, loadTail(b + at, left), loadTail(to + at, left)), left);
}

function multiplyBlock(
  packedA: usize, packedB: usize, c: usize, rowLength: i32, mc: i32, nc: i32, kc: i32, add: bool, tile: usize,
): void {
  const rowBytes = <usize>rowLength << 2;
  for (let j = 0; j < nc; j += NR) {
    const panelB = packedB + (<usize>(j * kc) << 2);
    const columns = min(nc - j, NR);
    for (let i = 0; i < mc; i += MR) {
      const panelA = packedA + (<usize>(i * kc) << 2);
      const rows = min(mc - i, MR);
      const target = c + <usize>i * rowBytes + (<usize>j << 2);
      if (rows == MR && columns == NR) {
        multiplyTile(panelA, panelB, kc, target, rowBytes, add);
      } else {
        multiplyTile(panelA, panelB, kc, tile, NR * 4, false);
        copyTile(tile, target, rowBytes, rows, columns, add);
      }
    }
  }
}

function copyTile(tile: usize, c: usize, rowBytes: usize, rows: i32, columns: i32, add: bool): void {
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      const value = load<f32>(tile + (<usize>(i * NR + j) << 2));
      const target = c + <usize>i * rowBytes + (<usize>j << 2);
      store<f32>(target, add ? load<f32>(target) + value : value);
    }
  }
}

// @ts-ignore: decorator
@inline
function put(c: usize, left: v128, right: v128, add: bool): void {
  if (add) {
    v128.store(c, f32x4.add(v128.load(c), left));
    v128.store(c, f32x4.add(v128.load(c, 16), right), 16);
  } else {
    v128.store(c, left);
    v128.store(c, right, 16);
  }
}

/** One MR x NR tile: `kc` rank-1 updates of twelve accumulators, two steps per turn. */
function multiplyTile(a: usize, b: usize, kc: i32, c: usize, rowBytes: usize, add: bool): void {
  let c00 = f32x4.splat(0), c01 = f32x4.splat(0), c10 = f32x4.splat(0), c11 = f32x4.splat(0);
  let c20 = f32x4.splat(0), c21 = f32x4.splat(0), c30 = f32x4.splat(0), c31 = f32x4.splat(0);
  let c40 = f32x4.splat(0), c41 = f32x4.splat(0), c50 = f32x4.splat(0), c51 = f32x4.splat(0);
  const end = a + <usize>kc * (MR * 4);
  while (a < end) {
    const b0 = v128.load(b), b1 = v128.load(b, 16);
    let x = v128.load32_splat(a);
    c00 = madd(x, b0, c00);
    c01 = madd(x, b1, c01);
    x = v128.load32_splat(a, 4);
    c10 = madd(x, b0, c10);
    c11 = madd(x, b1, c11);
    x = v128.load32_splat(a, 8);
    c20 = madd(x, b0, c20);
    c21 = madd(x, b1, c21);
    x = v128.load32_splat(a, 12);
    c30 = madd(x, b0, c30);
    c31 = madd(x, b1, c31);
    x = v128.load32_splat(a, 16);
    c40 = madd(x, b0, c40);
    c41 = madd(x, b1, c41);
    x = v128.load32_splat(a, 20);
    c50 = madd(x, b0, c50);
    c51 = madd(x, b1, c51);
    a += MR * 4;
    b += NR * 4;
  }
  put(c, c00, c01, add);
  put(c + rowBytes, c10, c11, add);
  put(c + 2 * rowBytes, c20, c21, add);
  put(c + 3 * rowBytes, c30, c31, add);
  put(c + 4 * rowBytes, c40, c41, add);
  put(c + 5 * rowBytes, c50, c51, add);
}

/** Panels of MR rows, each `[kc, MR]`. Rows that a last panel lacks repeat its last row; their products are dropped. */
function packA(a: usize, rowStride: i32, columnStride: i32, mc: i32, kc: i32, to: usize): void {
  for (let i = 0; i < mc; i += MR) {
    const from = a + (<usize>(i * rowStride) << 2);
    const rows = min(mc - i, MR);
    if (columnStride == 1) packRowsA(from, rowStride, rows, kc, to);
    else packColumnsA(from, columnStride, rows, kc, to);
    to += <usize>(kc * MR) << 2;
  }
}

/** Rows are contiguous: a 6 x 4 transpose per turn. */
function packRowsA(from: usize, rowStride: i32, rows: i32, kc: i32, to: usize): void {
  const stride = <usize>rowStride << 2;
  const r0 = from;
  const r1 = from + <usize>min(1, rows - 1) * stride;
  const r2 = from + <usize>min(2, rows - 1) * stride;
  const r3 = from + <usize>min(3, rows - 1) * stride;
  const r4 = from + <usize>min(4, rows - 1) * stride;
  const r5 = from + <usize>min(5, rows - 1) * stride;
  let p: usize = 0;
  const bytes = <usize>kc << 2;
  for (; p + 16 <= bytes; p += 16) {
    const v0 = v128.load(r0 + p), v1 = v128.load(r1 + p), v2 = v128.load(r2 + p), v3 = v128.load(r3 + p);
    const v4 = v128.load(r4 + p), v5 = v128.load(r5 + p);
    const low01 = v128.shuffle<f32>(v0, v1, 0, 4, 1, 5), high01 = v128.shuffle<f32>(v0, v1, 2, 6, 3, 7);
    const low23 = v128.shuffle<f32>(v2, v3, 0, 4, 1, 5), high23 = v128.shuffle<f32>(v2, v3, 2, 6, 3, 7);
    const low45 = v128.shuffle<f32>(v4, v5, 0, 4, 1, 5), high45 = v128.shuffle<f32>(v4, v5, 2, 6, 3, 7);
    v128.store(to, v128.shuffle<f32>(low01, low23, 0, 1, 4, 5));
    v128.store64_lane(to, low45, 0, 16);
    v128.store(to, v128.shuffle<f32>(low01, low23, 2, 3, 6, 7), 24);
    v128.store64_lane(to, low45, 1, 40);
    v128.store(to, v128.shuffle<f32>(high01, high23, 0, 1, 4, 5), 48);
    v128.store64_lane(to, high45, 0, 64);
    v128.store(to, v128.shuffle<f32>(high01, high23, 2, 3, 6, 7), 72);
    v128.store64_lane(to, high45, 1, 88);
    to += 96;
  }
  for (; p < bytes; p += 4) {
    store<f32>(to, load<f32>(r0 + p));
    store<f32>(to, load<f32>(r1 + p), 4);
    store<f32>(to, load<f32>(r2 + p), 8);
    store<f32>(to, load<f32>(r3 + p), 12);
    store<f32>(to, load<f32>(r4 + p), 16);
    store<f32>(to, load<f32>(r5 + p), 20);
    to += 24;
  }
}

/** Columns are contiguous (A is transposed): six floats per k. */
function packColumnsA(from: usize, columnStride: i32, rows: i32, kc: i32, to: usize): void {
  const stride = <usize>columnStride << 2;
  for (let p = 0; p < kc; p++) {
    if (rows == MR) {
      v128.store(to, v128.load(from));
      store<u64>(to, load<u64>(from, 16), 16);
    } else {
      for (let i = 0; i < MR; i++) {
        store<f32>(to + (<usize>i << 2), load<f32>(from + (<usize>min(i, rows - 1) << 2)));
      }
    }
    to += MR * 4;
    from += stride;
  }
}

/** Panels of NR columns, each `[kc, NR]`. Columns that a last panel lacks repeat its last column. */
function packB(b: usize, rowStride: i32, columnStride: i32, kc: i32, nc: i32, to: usize): void {
  const panelBytes = <usize>(kc * NR) << 2;
  let j = 0;
  if (columnStride == 1) {
    // Two panels at once read whole cache lines.
    for (; j + 2 * NR <= nc; j += 2 * NR) {
      packTwoPanels(b + (<usize>j << 2), rowStride, kc, to, panelBytes);
      to += 2 * panelBytes;
    }
    for (; j < nc; j += NR) {
      packRowsB(b + (<usize>j << 2), rowStride, min(nc - j, NR), kc, to);
      to += panelBytes;
    }
    return;
  }
  for (; j < nc; j += NR) {
    packColumnsB(b + (<usize>(j * columnStride) << 2), columnStride, min(nc - j, NR), kc, to);
    to += panelBytes;
  }
}

function packTwoPanels(from: usize, rowStride: i32, kc: i32, to: usize, panelBytes: usize): void {
  const stride = <usize>rowStride << 2;
  for (let p = 0; p < kc; p++) {
    v128.store(to, v128.load(from));
    v128.store(to, v128.load(from, 16), 16);
    v128.store(to + panelBytes, v128.load(from, 32));
    v128.store(to + panelBytes, v128.load(from, 48), 16);
    to += NR * 4;
    from += stride;
  }
}

function packRowsB(from: usize, rowStride: i32, columns: i32, kc: i32, to: usize): void {
  const stride = <usize>rowStride << 2;
  for (let p = 0; p < kc; p++) {
    if (columns == NR) {
      v128.store(to, v128.load(from));
      v128.store(to, v128.load(from, 16), 16);
    } else {
      for (let j = 0; j < NR; j++) {
        store<f32>(to + (<usize>j << 2), load<f32>(from + (<usize>min(j, columns - 1) << 2)));
      }
    }
    to += NR * 4;
    from += stride;
  }
}

/** Columns are contiguous (B is transposed): an 8 x 4 transpose per turn. */
function packColumnsB(from: usize, columnStride: i32, columns: i32, kc: i32, to: usize): void {
  const stride = <usize>columnStride << 2;
  packFourColumns(from, stride, columns, kc, to);
  const left = max(columns - 4, 1);
  packFourColumns(from + <usize>min(4, columns - 1) * stride, stride, left, kc, to + 16);
}

function packFourColumns(from: usize, stride: usize, columns: i32, kc: i32, to: usize): void {
  const c0 = from;
  const c1 = from + <usize>min(1, columns - 1) * stride;
  const c2 = from + <usize>min(2, columns - 1) * stride;
  const c3 = from + <usize>min(3, columns - 1) * stride;
  const bytes = <usize>kc << 2;
  let p: usize = 0;
  for (; p + 16 <= bytes; p += 16) {
    const v0 = v128.load(c0 + p), v1 = v128.load(c1 + p), v2 = v128.load(c2 + p), v3 = v128.load(c3 + p);
    const low01 = v128.shuffle<f32>(v0, v1, 0, 4, 1, 5), high01 = v128.shuffle<f32>(v0, v1, 2, 6, 3, 7);
    const low23 = v128.shuffle<f32>(v2, v3, 0, 4, 1, 5), high23 = v128.shuffle<f32>(v2, v3, 2, 6, 3, 7);
    v128.store(to, v128.shuffle<f32>(low01, low23, 0, 1, 4, 5));
    v128.store(to, v128.shuffle<f32>(low01, low23, 2, 3, 6, 7), 32);
    v128.store(to, v128.shuffle<f32>(high01, high23, 0, 1, 4, 5), 64);
    v128.store(to, v128.shuffle<f32>(high01, high23, 2, 3, 6, 7), 96);
    to += 128;
  }
  for (; p < bytes; p += 4) {
    store<f32>(to, load<f32>(c0 + p));
    store<f32>(to, load<f32>(c1 + p), 4);
    store<f32>(to, load<f32>(c2 + p), 8);
    store<f32>(to, load<f32>(c3 + p), 12);
    to += 32;
  }
}

/** `c[i, j] += bias[j]`. */
export function addBias(c: usize, bias: usize, rows: i32, columns: i32): void {
  for (let i = 0; i < rows; i++) {
    let j = 0;
    for (; j + 4 <= columns; j += 4) {
      const at = <usize>j << 2;
      v128.store(c + at, f32x4.add(v128.load(c + at), v128.load(bias + at)));
    }
    for (; j < columns; j++) {
      const at = <usize>j << 2;
      store<f32>(c + at, load<f32>(c + at) + load<f32>(bias + at));
    }
    c += <usize>columns << 2;
  }
}
