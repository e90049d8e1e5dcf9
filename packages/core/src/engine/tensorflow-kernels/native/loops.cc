#include "loops.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "elementary.h"

namespace meshwright {
namespace {

// Rows whose contributions are added in float32 before they go into float64 totals.
constexpr int64_t kBlockRows = 32;
constexpr float kTwiceRootTwoOverPi = 1.5957691216057308f;
constexpr float kCubic = 0.044715f;
constexpr float kRootHalf = 0.7071067811865476f;
constexpr float kNormalPeak = 0.3989422804014327f;

// x sigmoid(2 u), which is x (1 + tanh u) / 2 without the cancellation at large negative x.
MESHWRIGHT_INLINE float tanh_share(float x) {
  return sigmoid(x * (kTwiceRootTwoOverPi + kTwiceRootTwoOverPi * kCubic * x * x));
}

MESHWRIGHT_INLINE float tanh_slope(float x) {
  const float share = tanh_share(x);
  const float inner = kTwiceRootTwoOverPi + 3 * kCubic * kTwiceRootTwoOverPi * x * x;
  return share + x * inner * (share * (1 - share));
}

MESHWRIGHT_INLINE float exact_share(float x) { return 0.5f * (1 + error_function(x * kRootHalf)); }

MESHWRIGHT_INLINE float exact_slope(float x) {
  return exact_share(x) + x * (kNormalPeak * exponential(-0.5f * x * x));
}

MESHWRIGHT_INLINE void add_and_clear(float* part, double* total, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    total[i] += part[i];
    part[i] = 0;
  }
}

}  // namespace

MESHWRIGHT_SIMD void normalize(const float* x, const float* gamma, const float* beta, float* y, float* mean,
                               float* rstd, int64_t R, int64_t D, float epsilon) {
  for (int64_t r = 0; r < R; r++, x += D, y += D) {
    float center = 0;
    if (mean != nullptr) {
      float sum = 0;
#pragma omp simd reduction(+ : sum)
      for (int64_t i = 0; i < D; i++) sum += x[i];
      center = sum / D;
      mean[r] = center;
    }
    float squares = 0;
#pragma omp simd reduction(+ : squares)
    for (int64_t i = 0; i < D; i++) squares += (x[i] - center) * (x[i] - center);
    const float scale = static_cast<float>(1 / std::sqrt(static_cast<double>(squares) / D + epsilon));
    rstd[r] = scale;
    if (beta == nullptr) {
#pragma omp simd
      for (int64_t i = 0; i < D; i++) y[i] = x[i] * scale * gamma[i];
    } else {
#pragma omp simd
      for (int64_t i = 0; i < D; i++) y[i] = (x[i] - center) * scale * gamma[i] + beta[i];
    }
  }
}

MESHWRIGHT_SIMD void normalize_gradient(const float* dy, const float* x, const float* gamma, const float* mean,
                                        const float* rstd, float* dx, float* dgamma, float* dbeta, int64_t R,
                                        int64_t D) {
  std::vector<float> parts(2 * D, 0.0f);
  std::vector<double> totals(2 * D, 0.0);
  float* dgammas = parts.data();
  float* dbetas = dgammas + D;
  for (int64_t r = 0; r < R; r++, dy += D, x += D, dx += D) {
    const float center = mean == nullptr ? 0 : mean[r];
    const float scale = rstd[r];
    float sum_g = 0;
    float sum_gn = 0;
#pragma omp simd reduction(+ : sum_g, sum_gn)
    for (int64_t i = 0; i < D; i++) {
      const float n = (x[i] - center) * scale;
      const float g = dy[i] * gamma[i];
      dgammas[i] += dy[i] * n;
      dbetas[i] += dy[i];
      sum_g += g;
      sum_gn += g * n;
    }
    const float mean_g = mean == nullptr ? 0 : sum_g / D;
    const float mean_gn = sum_gn / D;
#pragma omp simd
    for (int64_t i = 0; i < D; i++) {
      const float n = (x[i] - center) * scale;
      dx[i] = scale * (dy[i] * gamma[i] - mean_g - n * mean_gn);
    }
    if (r % kBlockRows == kBlockRows - 1) add_and_clear(dgammas, totals.data(), 2 * D);
  }
  add_and_clear(dgammas, totals.data(), 2 * D);
  for (int64_t i = 0; i < D; i++) dgamma[i] = static_cast<float>(totals[i]);
  if (dbeta == nullptr) return;
  for (int64_t i = 0; i < D; i++) dbeta[i] = static_cast<float>(totals[D + i]);
}

MESHWRIGHT_SIMD void gelu_tanh(const float* x, float* y, int64_t n) {
#pragma omp simd
  for (int64_t i = 0; i < n; i++) y[i] = x[i] * tanh_share(x[i]);
}

MESHWRIGHT_SIMD void gelu_exact(const float* x, float* y, int64_t n) {
#pragma omp simd
  for (int64_t i = 0; i < n; i++) y[i] = x[i] * exact_share(x[i]);
}

MESHWRIGHT_SIMD void gelu_tanh_gradient(const float* dy, const float* x, float* dx, int64_t n) {
#pragma omp simd
  for (int64_t i = 0; i < n; i++) dx[i] = dy[i] * tanh_slope(x[i]);
}

MESHWRIGHT_SIMD void gelu_exact_gradient(const float* dy, const float* x, float* dx, int64_t n) {
#pragma omp simd
  for (int64_t i = 0; i < n; i++) dx[i] = dy[i] * exact_slope(x[i]);
}

MESHWRIGHT_SIMD void causal_softmax(const float* x, float* y, int64_t B, int64_t T, int64_t S, float scale) {
  for (int64_t b = 0; b < B; b++) {
    for (int64_t t = 0; t < T; t++, x += S, y += S) {
      const int64_t seen = t + 1 + S - T;
      float top = -INFINITY;
#pragma omp simd reduction(max : top)
      for (int64_t j = 0; j < seen; j++) top = scale * x[j] > top ? scale * x[j] : top;
      float sum = 0;
#pragma omp simd reduction(+ : sum)
      for (int64_t j = 0; j < seen; j++) {
        const float e = exponential(scale * x[j] - top);
        y[j] = e;
        sum += e;
      }
      const float inverse = 1 / sum;
#pragma omp simd
      for (int64_t j = 0; j < seen; j++) y[j] *= inverse;
      std::fill(y + seen, y + S, 0.0f);
    }
  }
}

MESHWRIGHT_SIMD void causal_softmax_gradient(const float* dy, const float* y, float* dx, int64_t B, int64_t T,
                                             int64_t S, float scale) {
  for (int64_t b = 0; b < B; b++) {
    for (int64_t t = 0; t < T; t++, dy += S, y += S, dx += S) {
      const int64_t seen = t + 1 + S - T;
      float sum = 0;
#pragma omp simd reduction(+ : sum)
      for (int64_t j = 0; j < seen; j++) sum += dy[j] * y[j];
#pragma omp simd
      for (int64_t j = 0; j < seen; j++) dx[j] = scale * y[j] * (dy[j] - sum);
      std::fill(dx + seen, dx + S, 0.0f);
    }
  }
}

MESHWRIGHT_SIMD void adamw(const float* p, const float* g, const float* m, const float* v, float* new_p, float* new_m,
                           float* new_v, int64_t n, const float* scalars) {
  const float share1 = scalars[0], beta2 = scalars[1], share2 = scalars[2], keep = scalars[3];
  const float step_size = scalars[4], unbias = scalars[5], epsilon = scalars[6];
#pragma omp simd
  for (int64_t i = 0; i < n; i++) {
    const float first = m[i] + share1 * (g[i] - m[i]);
    const float second = beta2 * v[i] + share2 * g[i] * g[i];
    new_m[i] = first;
    new_v[i] = second;
    new_p[i] = p[i] * keep - step_size * first / (std::sqrt(second) * unbias + epsilon);
  }
}

MESHWRIGHT_SIMD void sum_rows(const float* x, float* y, int64_t R, int64_t D) {
  std::vector<float> parts(D, 0.0f);
  std::vector<double> totals(D, 0.0);
  float* part = parts.data();
  for (int64_t r = 0; r < R; r++, x += D) {
#pragma omp simd
    for (int64_t i = 0; i < D; i++) part[i] += x[i];
    if (r % kBlockRows == kBlockRows - 1) add_and_clear(part, totals.data(), D);
  }
  add_and_clear(part, totals.data(), D);
  for (int64_t i = 0; i < D; i++) y[i] = static_cast<float>(totals[i]);
}

}  // namespace meshwright
