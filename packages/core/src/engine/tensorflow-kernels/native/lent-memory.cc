// Two operations that note where the elements of a tensor lie, and two functions for JavaScript:
//
//   MeshwrightLend    [x] -> []               notes the elements of x
//   MeshwrightEmpty   [shape: int32] -> [y]   allocates y of type T, unspecified elements, and notes them
//   take()            an ArrayBuffer over what the last of the two noted on this thread, not a copy
//   withdraw(buffer)  ends it: its arrays have length 0 from then on
//
// The eager runtime computes an operation on the thread that asks for it, so a note reaches the thread that takes it. The
// buffer does not keep the elements alive: whoever takes it withdraws it before the tensor is freed.
#include "lent-memory.h"

#include <vector>

#include "tensorflow-c.h"

namespace meshwright {
namespace {

struct Note {
  void* data = nullptr;
  size_t bytes = 0;
};

thread_local Note note;

void write_note(TF_Tensor* tensor) { note = {TF_TensorData(tensor), TF_TensorByteSize(tensor)}; }

// Reports a failure to the context, if there is one, and frees the status.
void finish(TF_OpKernelContext* context, TF_Status* status) {
  if (TF_GetCode(status) != TF_OK) TF_OpKernelContext_Failure(context, status);
  TF_DeleteStatus(status);
}

void lend(void*, TF_OpKernelContext* context) {
  TF_Status* status = TF_NewStatus();
  TF_Tensor* x = nullptr;
  note = {};
  TF_GetInput(context, 0, &x, status);
  if (TF_GetCode(status) == TF_OK) {
    write_note(x);
    TF_DeleteTensor(x);
  }
  finish(context, status);
}

void* read_type(TF_OpKernelConstruction* construction) {
  TF_Status* status = TF_NewStatus();
  auto* type = new TF_DataType(TF_FLOAT);
  TF_OpKernelConstruction_GetAttrType(construction, "T", type, status);
  if (TF_GetCode(status) != TF_OK) TF_OpKernelConstruction_Failure(construction, status);
  TF_DeleteStatus(status);
  return type;
}

void delete_type(void* type) { delete static_cast<TF_DataType*>(type); }

void empty(void* kernel, TF_OpKernelContext* context) {
  const TF_DataType type = *static_cast<const TF_DataType*>(kernel);
  TF_Status* status = TF_NewStatus();
  TF_Tensor* shape = nullptr;
  note = {};
  TF_GetInput(context, 0, &shape, status);
  if (TF_GetCode(status) == TF_OK) {
    const auto* dims = static_cast<const int32_t*>(TF_TensorData(shape));
    const std::vector<int64_t> sizes(dims, dims + TF_TensorByteSize(shape) / sizeof(int32_t));
    TF_DeleteTensor(shape);
    size_t bytes = type == TF_BOOL ? 1 : 4;
    for (const int64_t size : sizes) bytes *= size;
    TF_Tensor* y = TF_AllocateOutput(context, 0, type, sizes.data(), static_cast<int>(sizes.size()), bytes, status);
    if (TF_GetCode(status) == TF_OK) {
      write_note(y);
      TF_DeleteTensor(y);
    }
  }
  finish(context, status);
}

void unknown_shapes(TF_ShapeInferenceContext* context, TF_Status* status) {
  TF_ShapeInferenceContextSetUnknownShape(context, status);
}

void no_shapes(TF_ShapeInferenceContext*, TF_Status*) {}

constexpr char kTypes[] = "T: {float, int32, bool}";

bool define_lend() {
  TF_Status* status = TF_NewStatus();
  TF_OpDefinitionBuilder* op = TF_NewOpDefinitionBuilder("MeshwrightLend");
  TF_OpDefinitionBuilderAddInput(op, "x: T");
  TF_OpDefinitionBuilderAddAttr(op, kTypes);
  TF_OpDefinitionBuilderSetShapeInferenceFunction(op, no_shapes);
  TF_RegisterOpDefinition(op, status);
  if (TF_GetCode(status) == TF_OK) {
    TF_KernelBuilder* kernel = TF_NewKernelBuilder("MeshwrightLend", "CPU", nullptr, lend, nullptr);
    TF_RegisterKernelBuilder("MeshwrightLend", kernel, status);
  }
  const bool done = TF_GetCode(status) == TF_OK;
  TF_DeleteStatus(status);
  return done;
}

bool define_empty() {
  TF_Status* status = TF_NewStatus();
  TF_OpDefinitionBuilder* op = TF_NewOpDefinitionBuilder("MeshwrightEmpty");
  TF_OpDefinitionBuilderAddInput(op, "shape: int32");
  TF_OpDefinitionBuilderAddOutput(op, "y: T");
  TF_OpDefinitionBuilderAddAttr(op, kTypes);
  TF_OpDefinitionBuilderSetShapeInferenceFunction(op, unknown_shapes);
  TF_RegisterOpDefinition(op, status);
  if (TF_GetCode(status) == TF_OK) {
    TF_KernelBuilder* kernel = TF_NewKernelBuilder("MeshwrightEmpty", "CPU", read_type, empty, delete_type);
    TF_RegisterKernelBuilder("MeshwrightEmpty", kernel, status);
  }
  const bool done = TF_GetCode(status) == TF_OK;
  TF_DeleteStatus(status);
  return done;
}

// The memory is TensorFlow's.
void keep(napi_env, void*, void*) {}

napi_value take(napi_env env, napi_callback_info) {
  const Note taken = note;
  note = {};
  napi_value buffer = nullptr;
  if (taken.data == nullptr) {
    napi_throw_error(env, nullptr, "take: no tensor was lent on this thread");
  } else if (napi_create_external_arraybuffer(env, taken.data, taken.bytes, keep, nullptr, &buffer) != napi_ok) {
    napi_throw_error(env, nullptr, "take: this Node.js does not allow buffers over foreign memory");
  }
  return buffer;
}

napi_value withdraw(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value buffer;
  if (napi_get_cb_info(env, info, &count, &buffer, nullptr, nullptr) != napi_ok || count != 1 ||
      napi_detach_arraybuffer(env, buffer) != napi_ok) {
    napi_throw_type_error(env, nullptr, "withdraw: buffer must be one that take() returned");
  }
  return nullptr;
}

bool export_function(napi_env env, napi_value exports, const char* name, napi_callback callback) {
  napi_value function;
  return napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, nullptr, &function) == napi_ok &&
         napi_set_named_property(env, exports, name, function) == napi_ok;
}

}  // namespace

bool define_memory_operations() { return define_lend() && define_empty(); }

bool export_memory_functions(napi_env env, napi_value exports) {
  return export_function(env, exports, "take", take) && export_function(env, exports, "withdraw", withdraw);
}

}  // namespace meshwright
