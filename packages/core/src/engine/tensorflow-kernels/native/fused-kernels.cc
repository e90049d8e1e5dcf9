// The fused kernels as TensorFlow operations of the CPU device, registered through TensorFlow's C interface when Node
// loads this library; ../fused.ts runs them.
//
// Legend: as in loops.h.
#include <node_api.h>

#include <array>
#include <mutex>
#include <vector>

#include "lent-memory.h"
#include "loops.h"
#include "operation.h"
#include "tensorflow-c.h"

namespace meshwright {
namespace {

using Shape = std::vector<int64_t>;

int64_t size_of(const Shape& shape, size_t from = 0) {
  int64_t size = 1;
  for (size_t dim = from; dim < shape.size(); dim++) size *= shape[dim];
  return size;
}

// The tensors of one call; frees its handles at the end and reports the first failure.
class Call {
 public:
  explicit Call(TF_OpKernelContext* context) : context_(context), status_(TF_NewStatus()) {}
  ~Call() {
    if (TF_GetCode(status_) != TF_OK) TF_OpKernelContext_Failure(context_, status_);
    for (TF_Tensor* tensor : tensors_) TF_DeleteTensor(tensor);
    TF_DeleteStatus(status_);
  }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  bool ok() const { return TF_GetCode(status_) == TF_OK; }

  template <typename Element = float>
  const Element* input(int index) {
    TF_Tensor* tensor = input_tensor(index);
    return tensor == nullptr ? nullptr : static_cast<const Element*>(TF_TensorData(tensor));
  }

  Shape shape(int index) {
    TF_Tensor* tensor = input_tensor(index);
    Shape dims;
    if (tensor == nullptr) return dims;
    for (int dim = 0; dim < TF_NumDims(tensor); dim++) dims.push_back(TF_Dim(tensor, dim));
    return dims;
  }

  float* output(int index, const Shape& shape) {
    if (!ok()) return nullptr;
    TF_Tensor* tensor = TF_AllocateOutput(context_, index, TF_FLOAT, shape.data(), static_cast<int>(shape.size()),
                                          size_of(shape) * sizeof(float), status_);
    if (!ok()) return nullptr;
    tensors_.push_back(tensor);
    return static_cast<float*>(TF_TensorData(tensor));
  }

 private:
  TF_Tensor* input_tensor(int index) {
    if (!ok()) return nullptr;
    if (inputs_[index] != nullptr) return inputs_[index];
    TF_GetInput(context_, index, &inputs_[index], status_);
    if (!ok()) return nullptr;
    tensors_.push_back(inputs_[index]);
    return inputs_[index];
  }

  TF_OpKernelContext* context_;
  TF_Status* status_;
  std::array<TF_Tensor*, 6> inputs_{};
  std::vector<TF_Tensor*> tensors_;
};

// Attributes of any of the kernels; each reads its own.
struct Attributes {
  float epsilon = 0;
  float scale = 0;
  bool approximate = false;
  int64_t ignore = 0;
  float smoothing = 0;
  float z_loss = 0;
  int64_t num_classes = 0;
  int64_t first_class = 0;
};

void* read_attributes(TF_OpKernelConstruction* construction) {
  auto* attributes = new Attributes();
  TF_Status* status = TF_NewStatus();
  const auto has = [&](const char* name) {
    return TF_GetCode(status) == TF_OK && TF_OpKernelConstruction_HasAttr(construction, name, status);
  };
  const auto read_float = [&](const char* name, float* value) {
    if (has(name)) TF_OpKernelConstruction_GetAttrFloat(construction, name, value, status);
  };
  const auto read_integer = [&](const char* name, int64_t* value) {
    if (has(name)) TF_OpKernelConstruction_GetAttrInt64(construction, name, value, status);
  };
  read_float("epsilon", &attributes->epsilon);
  read_float("scale", &attributes->scale);
  read_integer("ignore", &attributes->ignore);
  read_float("smoothing", &attributes->smoothing);
  read_float("z_loss", &attributes->z_loss);
  read_integer("num_classes", &attributes->num_classes);
  read_integer("first_class", &attributes->first_class);
  if (has("approximate")) {
    unsigned char approximate = 0;
    TF_OpKernelConstruction_GetAttrBool(construction, "approximate", &approximate, status);
    attributes->approximate = approximate != 0;
  }
  if (TF_GetCode(status) != TF_OK) TF_OpKernelConstruction_Failure(construction, status);
  TF_DeleteStatus(status);
  return attributes;
}

void delete_attributes(void* attributes) { delete static_cast<Attributes*>(attributes); }

// [x, gamma, beta] -> [y, mean, rstd]
void layer_norm(Call& call, const Attributes& attributes) {
  const Shape shape = call.shape(0);
  const Shape rows(shape.begin(), shape.end() - 1);
  const float *x = call.input(0), *gamma = call.input(1), *beta = call.input(2);
  float *y = call.output(0, shape), *mean = call.output(1, rows), *rstd = call.output(2, rows);
  if (call.ok()) normalize(x, gamma, beta, y, mean, rstd, size_of(rows), shape.back(), attributes.epsilon);
}

// [dy, x, gamma, mean, rstd] -> [dx, dgamma, dbeta]
void layer_norm_grad(Call& call, const Attributes&) {
  const Shape shape = call.shape(1), features = call.shape(2);
  const int64_t rows = size_of(call.shape(4));
  const float *dy = call.input(0), *x = call.input(1), *gamma = call.input(2);
  const float *mean = call.input(3), *rstd = call.input(4);
  float *dx = call.output(0, shape), *dgamma = call.output(1, features), *dbeta = call.output(2, features);
  if (call.ok()) normalize_gradient(dy, x, gamma, mean, rstd, dx, dgamma, dbeta, rows, features[0]);
}

// [x, gamma] -> [y, rstd]
void rms_norm(Call& call, const Attributes& attributes) {
  const Shape shape = call.shape(0);
  const Shape rows(shape.begin(), shape.end() - 1);
  const float *x = call.input(0), *gamma = call.input(1);
  float *y = call.output(0, shape), *rstd = call.output(1, rows);
  if (call.ok()) normalize(x, gamma, nullptr, y, nullptr, rstd, size_of(rows), shape.back(), attributes.epsilon);
}

// [dy, x, gamma, rstd] -> [dx, dgamma]
void rms_norm_grad(Call& call, const Attributes&) {
  const Shape shape = call.shape(1), features = call.shape(2);
  const int64_t rows = size_of(call.shape(3));
  const float *dy = call.input(0), *x = call.input(1), *gamma = call.input(2), *rstd = call.input(3);
  float *dx = call.output(0, shape), *dgamma = call.output(1, features);
  if (call.ok()) normalize_gradient(dy, x, gamma, nullptr, rstd, dx, dgamma, nullptr, rows, features[0]);
}

// [x] -> [y]
void gelu(Call& call, const Attributes& attributes) {
  const Shape shape = call.shape(0);
  const float* x = call.input(0);
  float* y = call.output(0, shape);
  if (call.ok()) (attributes.approximate ? gelu_tanh : gelu_exact)(x, y, size_of(shape));
}

// [dy, x] -> [dx]
void gelu_grad(Call& call, const Attributes& attributes) {
  const Shape shape = call.shape(1);
  const float *dy = call.input(0), *x = call.input(1);
  float* dx = call.output(0, shape);
  const auto loop = attributes.approximate ? gelu_tanh_gradient : gelu_exact_gradient;
  if (call.ok()) loop(dy, x, dx, size_of(shape));
}

// [x] -> [y]
void causal(Call& call, const Attributes& attributes) {
  const Shape shape = call.shape(0);
  const float* x = call.input(0);
  float* y = call.output(0, shape);
  if (!call.ok()) return;
  const int64_t columns = shape.back(), rows = shape[shape.size() - 2];
  if (size_of(shape) > 0) causal_softmax(x, y, size_of(shape) / rows / columns, rows, columns, attributes.scale);
}

// [dy, y] -> [dx]
void causal_grad(Call& call, const Attributes& attributes) {
  const Shape shape = call.shape(1);
  const float *dy = call.input(0), *y = call.input(1);
  float* dx = call.output(0, shape);
  if (!call.ok() || size_of(shape) == 0) return;
  const int64_t columns = shape.back(), rows = shape[shape.size() - 2];
  causal_softmax_gradient(dy, y, dx, size_of(shape) / rows / columns, rows, columns, attributes.scale);
}

// [logits, labels] -> [loss, logSumExp]
void cross_entropy_loss(Call& call, const Attributes& a) {
  const Shape shape = call.shape(0), rows = call.shape(1);
  const float* logits = call.input(0);
  const int32_t* labels = call.input<int32_t>(1);
  float *loss = call.output(0, rows), *log_sum_exp = call.output(1, rows);
  if (!call.ok()) return;
  cross_entropy(logits, labels, loss, log_sum_exp, size_of(rows), shape.back(), a.ignore, a.smoothing, a.z_loss);
}

// [logits, labels, max] -> [sums]
void cross_entropy_parts(Call& call, const Attributes& a) {
  const Shape logits_shape = call.shape(0), rows = call.shape(1);
  const bool is_smoothed = a.smoothing > 0;
  Shape shape = {is_smoothed ? 3 : 2};
  shape.insert(shape.end(), rows.begin(), rows.end());
  const float *logits = call.input(0), *maxima = call.input(2);
  const int32_t* labels = call.input<int32_t>(1);
  float* sums = call.output(0, shape);
  if (!call.ok()) return;
  cross_entropy_sums(logits, labels, maxima, sums, size_of(rows), logits_shape.back(), a.first_class, is_smoothed);
}

// [dy, logits, labels, logSumExp] -> [dlogits]
void cross_entropy_grad(Call& call, const Attributes& a) {
  const Shape shape = call.shape(1);
  const int64_t rows = size_of(call.shape(2));
  const float *dy = call.input(0), *logits = call.input(1), *log_sum_exp = call.input(3);
  const int32_t* labels = call.input<int32_t>(2);
  float* dlogits = call.output(0, shape);
  if (!call.ok()) return;
  cross_entropy_gradient(dy, logits, labels, log_sum_exp, dlogits, rows, shape.back(), a.num_classes, a.first_class,
                         a.ignore, a.smoothing, a.z_loss);
}

// [parameter, gradient, m, v, scalars] -> [parameter, m, v]
void adamw_update(Call& call, const Attributes&) {
  const Shape shape = call.shape(0);
  const float *p = call.input(0), *g = call.input(1), *m = call.input(2), *v = call.input(3);
  const float* scalars = call.input(4);
  float *new_p = call.output(0, shape), *new_m = call.output(1, shape), *new_v = call.output(2, shape);
  if (call.ok()) adamw(p, g, m, v, new_p, new_m, new_v, size_of(shape), scalars);
}

// [x] -> [y], of the last dim of x.
void sum_leading(Call& call, const Attributes&) {
  const Shape shape = call.shape(0);
  const Shape features(shape.end() - 1, shape.end());
  const float* x = call.input(0);
  float* y = call.output(0, features);
  if (call.ok()) sum_rows(x, y, features[0] == 0 ? 0 : size_of(shape) / features[0], features[0]);
}

template <void (*compute)(Call&, const Attributes&)>
void run(void* attributes, TF_OpKernelContext* context) {
  Call call(context);
  compute(call, *static_cast<const Attributes*>(attributes));
}

template <void (*compute)(Call&, const Attributes&)>
bool define(const char* name, Specs inputs, Specs outputs, Specs attributes = {}) {
  return define_operation(name, inputs, outputs, attributes, {run<compute>, read_attributes, delete_attributes});
}

bool define_all() {
  const Specs entropy = {"ignore: int", "smoothing: float", "z_loss: float", "num_classes: int",
                         "first_class: int"};
  return define<layer_norm>("MeshwrightLayerNorm", {"x: float", "gamma: float", "beta: float"},
                            {"y: float", "mean: float", "rstd: float"}, {"epsilon: float"}) &&
         define<layer_norm_grad>("MeshwrightLayerNormGrad",
                                 {"dy: float", "x: float", "gamma: float", "mean: float", "rstd: float"},
                                 {"dx: float", "dgamma: float", "dbeta: float"}) &&
         define<rms_norm>("MeshwrightRMSNorm", {"x: float", "gamma: float"}, {"y: float", "rstd: float"},
                          {"epsilon: float"}) &&
         define<rms_norm_grad>("MeshwrightRMSNormGrad", {"dy: float", "x: float", "gamma: float", "rstd: float"},
                               {"dx: float", "dgamma: float"}) &&
         define<gelu>("MeshwrightGelu", {"x: float"}, {"y: float"}, {"approximate: bool"}) &&
         define<gelu_grad>("MeshwrightGeluGrad", {"dy: float", "x: float"}, {"dx: float"}, {"approximate: bool"}) &&
         define<causal>("MeshwrightCausalSoftmax", {"x: float"}, {"y: float"}, {"scale: float"}) &&
         define<causal_grad>("MeshwrightCausalSoftmaxGrad", {"dy: float", "y: float"}, {"dx: float"},
                             {"scale: float"}) &&
         define<cross_entropy_loss>("MeshwrightCrossEntropy", {"logits: float", "labels: int32"},
                                    {"loss: float", "log_sum_exp: float"}, entropy) &&
         define<cross_entropy_parts>("MeshwrightCrossEntropySums", {"logits: float", "labels: int32", "max: float"},
                                     {"sums: float"}, entropy) &&
         define<cross_entropy_grad>("MeshwrightCrossEntropyGrad",
                                    {"dy: float", "logits: float", "labels: int32", "log_sum_exp: float"},
                                    {"dlogits: float"}, entropy) &&
         define<adamw_update>("MeshwrightAdamWUpdate",
                              {"parameter: float", "gradient: float", "m: float", "v: float", "scalars: float"},
                              {"new_parameter: float", "new_m: float", "new_v: float"}) &&
         define<sum_leading>("MeshwrightSumLeading", {"x: float"}, {"y: float"});
}

}  // namespace
}  // namespace meshwright

// Every thread that loads the library comes through here; operations are registered once per process.
NAPI_MODULE_INIT() {
  static std::once_flag once;
  static bool registered = false;
  std::call_once(once, [] { registered = meshwright::define_all() && meshwright::define_memory_operations(); });
  napi_value value;
  if (napi_get_boolean(env, registered, &value) == napi_ok) {
    napi_set_named_property(env, exports, "registered", value);
  }
  // FUSED_REVISION of ../fused.ts.
  if (napi_create_int32(env, 2, &value) == napi_ok) napi_set_named_property(env, exports, "revision", value);
  meshwright::export_memory_functions(env, exports);
  return exports;
}
