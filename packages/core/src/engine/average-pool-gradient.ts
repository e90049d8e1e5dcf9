/**
 * The gradient of an average pooling, in plain loops over channels-last values.
 *
 * An average is over the elements inside the image, and so is this gradient; the stock kernels divide by the size of the
 * whole window, which is wrong wherever it hangs over the edge.
 *
 * @packageDocumentation
 */
import type { PoolGeometry, PoolGradientValues } from "./pool-geometry.ts";

/** Every element of a window receives `dy` over the number of elements that the window has inside the image. */
export function averagePoolGradient(
  { dy, dx }: Pick<PoolGradientValues, "dy" | "dx">,
  geometry: PoolGeometry,
): void {
  const { batch, input, output, channels } = geometry;
  dx.fill(0);
  let at = 0;
  for (let n = 0; n < batch; n++) {
    for (let d = 0; d < output[0]; d++) {
      const depth = inside(geometry, 0, d);
      for (let h = 0; h < output[1]; h++) {
        const rows = inside(geometry, 1, h);
        for (let w = 0; w < output[2]; w++, at += channels) {
          const columns = inside(geometry, 2, w);
          const share = 1 / (sizeOf(depth) * sizeOf(rows) * sizeOf(columns));
          for (let z = depth.start; z < depth.end; z++) {
            for (let y = rows.start; y < rows.end; y++) {
              for (let x = columns.start; x < columns.end; x++) {
                const to = (((n * input[0] + z) * input[1] + y) * input[2] + x) * channels;
                for (let c = 0; c < channels; c++) dx[to + c]! += share * dy[at + c]!;
              }
            }
          }
        }
      }
    }
  }
}

interface Span {
  readonly start: number;
  readonly end: number;
}

function sizeOf({ start, end }: Span): number {
  return end - start;
}

/** The part of a window that lies inside the image, along one dim. */
function inside({ input, window, strides, padding }: PoolGeometry, dim: 0 | 1 | 2, at: number): Span {
  const start = at * strides[dim] - padding[dim];
  return { start: Math.max(0, start), end: Math.min(input[dim], start + window[dim]) };
}
