/**
 * The 16-bit float formats: bfloat16 (8 exponent bits, the upper half of a float32) and IEEE 754 binary16 (5 exponent
 * bits). Reading is exact; writing rounds to nearest, ties to even.
 *
 * @packageDocumentation
 */

/** Exact: every bfloat16 is a float32. */
export function fromBfloat16(words: Uint16Array): Float32Array {
  const bits = new Uint32Array(words.length);
  for (let i = 0; i < words.length; i++) bits[i] = words[i]! << 16;
  return new Float32Array(bits.buffer);
}

/** Rounded to nearest even. Infinities stay, NaN stays NaN, values beyond 3.39e38 become infinite. */
export function toBfloat16(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const words = new Uint16Array(values.length);
  for (let i = 0; i < bits.length; i++) {
    const word = bits[i]!;
    const isNaN = (word & 0x7fffffff) > 0x7f800000;
    // Rounding could carry a NaN's bits into infinity, so it keeps its upper half, made quiet.
    words[i] = isNaN ? (word >>> 16) | 0x40 : (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
  }
  return words;
}

/** Exact: every binary16 is a float32. */
export function fromFloat16(words: Uint16Array): Float32Array {
  const values = new Float32Array(words.length);
  for (let i = 0; i < words.length; i++) values[i] = float16Value(words[i]!);
  return values;
}

function float16Value(word: number): number {
  const sign = word & 0x8000 ? -1 : 1;
  const exponent = (word >>> 10) & 0x1f;
  const fraction = word & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction * 2 ** -10) * 2 ** (exponent - 15);
}

/** Rounded to nearest even. Infinities stay, NaN stays NaN, values of 65520 and more become infinite. */
export function toFloat16(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const words = new Uint16Array(values.length);
  for (let i = 0; i < bits.length; i++) words[i] = float16Bits(bits[i]!);
  return words;
}

function float16Bits(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  // 65520, halfway between the largest binary16 and the next power of two.
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  // 2^-14: from here on normal; the exponent's bias falls from 127 to 15.
  if (magnitude >= 0x38800000) {
    const rebiased = magnitude - (112 << 23);
    return sign | ((rebiased + 0xfff + ((rebiased >>> 13) & 1)) >>> 13);
  }
  // 2^-25 and less is nearer to 0 than to 2^-24, or a tie with the even 0.
  if (magnitude <= 0x33000000) return sign;
  const shift = 126 - (magnitude >>> 23);
  const fraction = (magnitude & 0x7fffff) | 0x800000;
  const half = 1 << (shift - 1);
  return sign | ((fraction + half - 1 + ((fraction >>> shift) & 1)) >>> shift);
}
