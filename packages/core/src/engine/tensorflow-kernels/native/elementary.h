// Elementary functions that compilers vectorise: Cephes (Moshier) for exp, Eigen's rational minimax form for erf; the
// constants are those of the wasm engine (../../assembly/elementary.ts). Errors against float64 are asserted by
// ../fused.test.ts.
#ifndef MESHWRIGHT_ELEMENTARY_H_
#define MESHWRIGHT_ELEMENTARY_H_

#include <cstdint>
#include <cstring>

// One copy of a loop per instruction set, chosen when the library loads, so that a library which was built on one
// machine runs on every other.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define MESHWRIGHT_SIMD __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define MESHWRIGHT_SIMD
#endif
#define MESHWRIGHT_INLINE static inline __attribute__((always_inline))

namespace meshwright {

MESHWRIGHT_INLINE float bound(float x, float low, float high) {
  // Comparisons with NaN are false: NaN stays.
  const float above = x < low ? low : x;
  return above > high ? high : above;
}

MESHWRIGHT_INLINE float power_of_two(int32_t n) {
  const int32_t bits = (n + 127) << 23;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

// e^x. 2^n is applied in two halves because n reaches 128 and denormal results need -150.
MESHWRIGHT_INLINE float exponential(float x) {
  // 1.5 * 2^23: adding it rounds to an integer, which then stands in the low bits.
  const float magic = 12582912.0f;
  const float bounded = bound(x, -105.0f, 89.0f);
  const float shifted = bounded * 1.44269504088896341f + magic;
  const float n = shifted - magic;
  float r = bounded - n * 0.693359375f;
  r = r - n * -2.1219444e-4f;
  float p = 1.98756915e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  const float y = p * (r * r) + r + 1.0f;
  int32_t bits;
  std::memcpy(&bits, &shifted, sizeof bits);
  const int32_t whole = bits - 0x4b400000;
  const int32_t half = whole >> 1;
  const float value = y * power_of_two(half) * power_of_two(whole - half);
  return x == x ? value : x;
}

// 1 / (1 + e^-x).
MESHWRIGHT_INLINE float sigmoid(float x) { return 1.0f / (1.0f + exponential(-x)); }

// erf x: an odd rational function of degree 13 over 8.
MESHWRIGHT_INLINE float error_function(float x) {
  const float bounded = bound(x, -4.0f, 4.0f);
  const float s = bounded * bounded;
  float p = -2.72614225801306e-10f;
  p = p * s + 2.77068142495902e-8f;
  p = p * s + -2.10102402082508e-6f;
  p = p * s + -5.69250639462346e-5f;
  p = p * s + -7.34990630326855e-4f;
  p = p * s + -2.95459980854025e-3f;
  p = p * s + -1.60960333262415e-2f;
  float q = -1.45660718464996e-5f;
  q = q * s + -2.13374055278905e-4f;
  q = q * s + -1.68282697438203e-3f;
  q = q * s + -7.37332916720468e-3f;
  q = q * s + -1.42647390514189e-2f;
  return p * bounded / q;
}

}  // namespace meshwright

#endif  // MESHWRIGHT_ELEMENTARY_H_
