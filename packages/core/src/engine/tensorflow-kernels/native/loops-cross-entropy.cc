#include <algorithm>
#include <cmath>

#include "elementary.h"
#include "loops.h"

namespace meshwright {
namespace {

MESHWRIGHT_INLINE float largest(const float* x, int64_t n) {
  float top = -INFINITY;
#pragma omp simd reduction(max : top)
  for (int64_t i = 0; i < n; i++) top = x[i] > top ? x[i] : top;
  return top;
}

struct Sums {
  float exponentials = 0;
  float total = 0;
};

// Of e^(x - top), and of x - top.
MESHWRIGHT_INLINE Sums sums_below(float top, const float* x, int64_t n) {
  float exponentials = 0;
  float total = 0;
#pragma omp simd reduction(+ : exponentials, total)
  for (int64_t i = 0; i < n; i++) {
    exponentials += exponential(x[i] - top);
    total += x[i] - top;
  }
  return {exponentials, total};
}

}  // namespace

MESHWRIGHT_SIMD void cross_entropy(const float* logits, const int32_t* labels, float* loss, float* log_sum_exp,
                                   int64_t R, int64_t V, int64_t ignore, double smoothing, double z_loss) {
  for (int64_t r = 0; r < R; r++, logits += V) {
    const float top = largest(logits, V);
    const auto [exponentials, total] = sums_below(top, logits, V);
    const double log_sum = std::log(static_cast<double>(exponentials));
    const double z = top + log_sum;
    log_sum_exp[r] = static_cast<float>(z);
    const int32_t label = labels[r];
    if (label == ignore) {
      loss[r] = 0;
      continue;
    }
    const double target = static_cast<double>(logits[label]) - top;
    loss[r] = static_cast<float>(log_sum - (1 - smoothing) * target - smoothing * total / V + z_loss * z * z);
  }
}

// The maxima are those over all classes, which several holders share.
MESHWRIGHT_SIMD void cross_entropy_sums(const float* logits, const int32_t* labels, const float* maxima, float* sums,
                                        int64_t R, int64_t V, int64_t first_class, bool is_smoothed) {
  for (int64_t r = 0; r < R; r++, logits += V) {
    const float top = maxima[r];
    const auto [exponentials, total] = sums_below(top, logits, V);
    const int64_t own = labels[r] - first_class;
    sums[r] = exponentials;
    sums[R + r] = own >= 0 && own < V ? logits[own] - top : 0;
    if (is_smoothed) sums[2 * R + r] = total;
  }
}

MESHWRIGHT_SIMD void cross_entropy_gradient(const float* dy, const float* logits, const int32_t* labels,
                                            const float* log_sum_exp, float* dlogits, int64_t R, int64_t V,
                                            int64_t num_classes, int64_t first_class, int64_t ignore, double smoothing,
                                            double z_loss) {
  const double spread = smoothing / num_classes;
  for (int64_t r = 0; r < R; r++, logits += V, dlogits += V) {
    const double d = labels[r] == ignore ? 0 : dy[r];
    if (d == 0) {
      std::fill(dlogits, dlogits + V, 0.0f);
      continue;
    }
    const float z = log_sum_exp[r];
    const double more = 2 * z_loss * z;
    const float factor = static_cast<float>(d * (1 + more));
    const float offset = static_cast<float>(-d * spread);
#pragma omp simd
    for (int64_t j = 0; j < V; j++) dlogits[j] = factor * exponential(logits[j] - z) + offset;
    const int64_t own = labels[r] - first_class;
    if (own < 0 || own >= V) continue;
    // e^x - 1 without cancellation where the model is already sure.
    const double distance = static_cast<double>(logits[own]) - z;
    dlogits[own] =
        static_cast<float>(d * (std::expm1(distance) + more * std::exp(distance) + smoothing - spread));
  }
}

}  // namespace meshwright
