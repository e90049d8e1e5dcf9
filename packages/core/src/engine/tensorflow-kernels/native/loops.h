// What the fused kernels compute, on plain arrays. Shapes and meaning are those of the reference kernels in
// ../../../kernels; all arrays are row-major float32.
//
// Legend: R = rows (product of the leading dims), D = features, B = batch, T = positions, S = columns, V = classes.
#ifndef MESHWRIGHT_LOOPS_H_
#define MESHWRIGHT_LOOPS_H_

#include <cstdint>

namespace meshwright {

// beta and mean are null for RMSNorm, whose rows are not centred.
void normalize(const float* x, const float* gamma, const float* beta, float* y, float* mean, float* rstd, int64_t R,
               int64_t D, float epsilon);
void normalize_gradient(const float* dy, const float* x, const float* gamma, const float* mean, const float* rstd,
                        float* dx, float* dgamma, float* dbeta, int64_t R, int64_t D);

void gelu_tanh(const float* x, float* y, int64_t n);
void gelu_exact(const float* x, float* y, int64_t n);
void gelu_tanh_gradient(const float* dy, const float* x, float* dx, int64_t n);
void gelu_exact_gradient(const float* dy, const float* x, float* dx, int64_t n);

void causal_softmax(const float* x, float* y, int64_t B, int64_t T, int64_t S, float scale);
void causal_softmax_gradient(const float* dy, const float* y, float* dx, int64_t B, int64_t T, int64_t S, float scale);

// No label is ignored where `ignore` is no int32.
void cross_entropy(const float* logits, const int32_t* labels, float* loss, float* log_sum_exp, int64_t R, int64_t V,
                   int64_t ignore, double smoothing, double z_loss);
// sums: [2, R] or, smoothed, [3, R], over the classes first_class .. first_class + V - 1, as in cross-entropy-parts.ts.
void cross_entropy_sums(const float* logits, const int32_t* labels, const float* maxima, float* sums, int64_t R,
                        int64_t V, int64_t first_class, bool is_smoothed);
void cross_entropy_gradient(const float* dy, const float* logits, const int32_t* labels, const float* log_sum_exp,
                            float* dlogits, int64_t R, int64_t V, int64_t num_classes, int64_t first_class,
                            int64_t ignore, double smoothing, double z_loss);

// scalars: 1 - beta1, beta2, 1 - beta2, 1 - rate decay, rate / bias1, 1 / sqrt(bias2), epsilon.
void adamw(const float* p, const float* g, const float* m, const float* v, float* new_p, float* new_m, float* new_v,
           int64_t n, const float* scalars);

// y[d] = sum over rows of x[r, d].
void sum_rows(const float* x, float* y, int64_t R, int64_t D);

}  // namespace meshwright

#endif  // MESHWRIGHT_LOOPS_H_
