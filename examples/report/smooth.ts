/**
 * Smoothing of a noisy curve.
 *
 * @packageDocumentation
 */

/**
 * Centred moving average: value `i` is the mean of values `i - h .. i + h`, with `h = min(halfWidth, i, n - 1 - i)`.
 *
 * The window is symmetric everywhere, also where it shrinks toward the ends, so a steady slope comes out unchanged: the
 * curve neither lags (as an exponential average does) nor bends at its ends. Values that are not finite count as
 * absent; where a window holds nothing else the result is `NaN`.
 */
export function smooth(values: readonly number[], options: { readonly halfWidth: number }): number[] {
  return values.map((_, index) => {
    const half = Math.min(options.halfWidth, index, values.length - 1 - index);
    return mean(values.slice(index - half, index + half + 1).filter(Number.isFinite));
  });
}

/** A window of about a twentieth of the curve, and of 51 values at most. */
export function halfWidthFor(numValues: number): number {
  return Math.min(25, Math.round(numValues / 40));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
