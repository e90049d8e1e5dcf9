/**
 * The gradient of a maximum pooling, in plain loops over channels-last values.
 *
 * The stock kernels are wrong: wasm's drops windows without a positive element, cpu's in three dims takes the height of
 * the window for its width.
 *
 * @packageDocumentation
 */
import type { PoolGeometry, PoolGradientValues } from "./pool-geometry.ts";

/** `dx` at the first maximum of each window receives that window's `dy`; elsewhere it is 0. */
export function maxPoolGradient(values: PoolGradientValues, geometry: PoolGeometry): void {
  const { batch, output, channels } = geometry;
  const { x, dy, dx } = values;
  const position = new Int32Array(channels);
  dx.fill(0);
  let at = 0;
  for (let n = 0; n < batch; n++) {
    for (let d = 0; d < output[0]; d++) {
      for (let h = 0; h < output[1]; h++) {
        for (let w = 0; w < output[2]; w++, at += channels) {
          if (!findMaxima(x, geometry, { n, d, h, w }, position)) continue;
          for (let c = 0; c < channels; c++) dx[position[c]!]! += dy[at + c]!;
        }
      }
    }
  }
}

/** Writes where the maximum of one window stands, per channel. `false`: the window lies in the padding. */
function findMaxima(
  x: ArrayLike<number>,
  { channels, input, window, strides, padding }: PoolGeometry,
  { n, d, h, w }: Readonly<Record<"n" | "d" | "h" | "w", number>>,
  position: Int32Array,
): boolean {
  const [depth, height, width] = input;
  const [d0, h0, w0] = [
    d * strides[0] - padding[0],
    h * strides[1] - padding[1],
    w * strides[2] - padding[2],
  ];
  const zEnd = Math.min(depth, d0 + window[0]);
  const yEnd = Math.min(height, h0 + window[1]);
  const columnEnd = Math.min(width, w0 + window[2]);
  let isFound = false;
  for (let z = Math.max(0, d0); z < zEnd; z++) {
    for (let y = Math.max(0, h0); y < yEnd; y++) {
      for (let column = Math.max(0, w0); column < columnEnd; column++) {
        const from = (((n * depth + z) * height + y) * width + column) * channels;
        if (isFound) {
          for (let c = 0; c < channels; c++) if (x[from + c]! > x[position[c]!]!) position[c] = from + c;
        } else {
          for (let c = 0; c < channels; c++) position[c] = from + c;
          isFound = true;
        }
      }
    }
  }
  return isFound;
}
