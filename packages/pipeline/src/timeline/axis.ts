/**
 * Where a time axis has its numbers.
 *
 * @packageDocumentation
 */

/**
 * Round numbers from 0 to `until`, about `atMost` of them: multiples of 1, 2, or 5 times a power of ten.
 *
 * @example
 * ```ts
 * axisTicks(33, 5); // [0, 10, 20, 30]
 * ```
 */
export function axisTicks(until: number, atMost: number): number[] {
  if (!(until > 0)) return [0];
  const power = Math.floor(Math.log10(until / atMost));
  const step = [1, 2, 5, 10].find((digit) => digit * 10 ** power * atMost >= until * (1 - 1e-9)) ?? 10;
  // Whole multiples are divided by a power of ten, which rounds once; multiplied by 0.1 they would read 0.30000000000000004.
  const value = (index: number) => (power < 0 ? (index * step) / 10 ** -power : index * step * 10 ** power);
  const numSteps = Math.floor((until / value(1)) * (1 + 1e-9));
  return Array.from({ length: numSteps + 1 }, (_, index) => value(index));
}
