/** Kernels that only move elements: transpose, strided rows, tile, gather; and the scatter-add that reverses a gather. */

/** `to[c, r] = from[r, c]` on 32-bit elements, with the row lengths of both matrices, in tiles of 4 x 4. */
export function transpose(from: usize, fromRow: i32, to: usize, toRow: i32, rows: i32, columns: i32): void {
  const fromBytes = <usize>fromRow << 2, toBytes = <usize>toRow << 2;
  // Bands of 16 rows: a band of the source and 16 cache lines of the target stay in the first-level cache.
  for (let band = 0; band < rows; band += 16) {
    const bandEnd = min(band + 16, rows);
    for (let c = 0; c < columns; c += 4) {
      for (let r = band; r < bandEnd; r += 4) {
        const source = from + <usize>r * fromBytes + (<usize>c << 2);
        const target = to + <usize>c * toBytes + (<usize>r << 2);
        if (r + 4 <= bandEnd && c + 4 <= columns) transposeTile(source, fromBytes, target, toBytes);
        else transposeEdge(source, fromBytes, target, toBytes, min(4, bandEnd - r), min(4, columns - c));
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function transposeTile(from: usize, fromBytes: usize, to: usize, toBytes: usize): void {
  const v0 = v128.load(from), v1 = v128.load(from + fromBytes);
  const v2 = v128.load(from + 2 * fromBytes), v3 = v128.load(from + 3 * fromBytes);
  const low01 = v128.shuffle<f32>(v0, v1, 0, 4, 1, 5), high01 = v128.shuffle<f32>(v0, v1, 2, 6, 3, 7);
  const low23 = v128.shuffle<f32>(v2, v3, 0, 4, 1, 5), high23 = v128.shuffle<f32>(v2, v3, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<f32>(low01, low23, 0, 1, 4, 5));
  v128.store(to + toBytes, v128.shuffle<f32>(low01, low23, 2, 3, 6, 7));
  v128.store(to + 2 * toBytes, v128.shuffle<f32>(high01, high23, 0, 1, 4, 5));
  v128.store(to + 3 * toBytes, v128.shuffle<f32>(high01, high23, 2, 3, 6, 7));
}

function transposeEdge(from: usize, fromBytes: usize, to: usize, toBytes: usize, rows: i32, columns: i32): void {
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      store<u32>(
        to + <usize>c * toBytes + (<usize>r << 2),
        load<u32>(from + <usize>r * fromBytes + (<usize>c << 2)),
      );
    }
  }
}

/** Copies `rows` runs of `bytes`; strides in bytes. */
export function copyRows(from: usize, fromStride: i32, to: usize, toStride: i32, rows: i32, bytes: i32): void {
  for (let r = 0; r < rows; r++) {
    // A call of the host's memmove costs more than a short run.
    if (bytes == 4) store<u32>(to, load<u32>(from));
    else if (bytes == 8) store<u64>(to, load<u64>(from));
    else if (bytes == 16) v128.store(to, v128.load(from));
    else memory.copy(to, from, bytes);
    from += fromStride;
    to += toStride;
  }
}

/**
 * Repeats `from` along every dim. `dims` holds `[size, repetitions]` pairs of int32, outermost first, the last one's
 * elements being `elementBytes` wide. Returns the number of bytes written.
 */
export function tile(from: usize, to: usize, dims: usize, numDims: i32, elementBytes: i32): i32 {
  const size = load<i32>(dims), repetitions = load<i32>(dims, 4);
  if (numDims == 1) {
    memory.copy(to, from, size * elementBytes);
    return repeat(to, size * elementBytes, repetitions);
  }
  let inner = elementBytes;
  for (let d = 1; d < numDims; d++) inner *= load<i32>(dims + (<usize>d << 3));
  let written = 0;
  for (let i = 0; i < size; i++) {
    written += tile(from + <usize>(i * inner), to + <usize>written, dims + 8, numDims - 1, elementBytes);
  }
  return repeat(to, written, repetitions);
}

/** Doubles what stands at `to` until it is there `repetitions` times. */
function repeat(to: usize, bytes: i32, repetitions: i32): i32 {
  const total = bytes * repetitions;
  if (bytes == 4) {
    const value = v128.load32_splat(to);
    let at = 0;
    for (; at + 16 <= total; at += 16) v128.store(to + <usize>at, value);
    for (; at < total; at += 4) v128.store32_lane(to + <usize>at, value, 0);
    return total;
  }
  let done = bytes;
  while (done < total) {
    const step = min(done, total - done);
    memory.copy(to + <usize>done, to, step);
    done += step;
  }
  return total;
}

/**
 * `to[b, o, i, :] = from[b, o, indices[b, i], :]`, slices of `bytes`. Returns -1, or the position of the first index
 * that is not in `[0, size)`.
 */
export function gather(
  from: usize, indices: usize, to: usize, batch: i32, outer: i32, size: i32, count: i32, bytes: i32,
): i32 {
  for (let i = 0; i < batch * count; i++) {
    if (load<u32>(indices + (<usize>i << 2)) >= <u32>size) return i;
  }
  for (let b = 0; b < batch; b++) {
    for (let o = 0; o < outer; o++) {
      for (let i = 0; i < count; i++) {
        const index = load<i32>(indices + (<usize>(b * count + i) << 2));
        const source = from + <usize>index * <usize>bytes;
        if (bytes == 4) store<u32>(to, load<u32>(source));
        else memory.copy(to, source, bytes);
        to += bytes;
      }
      from += <usize>size * <usize>bytes;
    }
  }
  return -1;
}

/** `to[ids[i], :] += from[i, :]` in the order of i; ids outside `[0, numSegments)` are dropped. */
export function segmentSum(from: usize, ids: usize, to: usize, count: i32, numSegments: i32, length: i32): void {
  memory.fill(to, 0, <usize>numSegments * <usize>length << 2);
  for (let i = 0; i < count; i++) {
    const id = load<u32>(ids + (<usize>i << 2));
    if (id < <u32>numSegments) addInto(to + (<usize>id * <usize>length << 2), from, length);
    from += <usize>length << 2;
  }
}

function addInto(to: usize, from: usize, length: i32): void {
  let i = 0;
  for (; i + 4 <= length; i += 4) {
    const at = <usize>i << 2;
    v128.store(to + at, f32x4.add(v128.load(to + at), v128.load(from + at)));
  }
  for (; i < length; i++) {
    const at = <usize>i << 2;
    store<f32>(to + at, load<f32>(to + at) + load<f32>(from + at));
  }
}
