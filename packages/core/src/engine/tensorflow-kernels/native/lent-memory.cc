// Two operations that note where the elements of a tensor lie, and two functions for JavaScript:
//
//   MeshwrightLend    [x] -> []               notes the elements of x
//   MeshwrightEmpty   [shape: int32] -> [y]   allocates y of type T, unspecified elements, and notes them
//   take()                  the address of what the last of the two noted on this thread
//   window(address, bytes)  an ArrayBuffer over that part of the address space, not a copy
//
// The eager runtime computes an operation on the thread that asks for it, so a note reaches the thread that takes it. A
// window owns nothing and may cover what is not mapped; whoever makes arrays over it keeps to the elements of tensors that
// live. Windows last: Node.js frees the record of an ended buffer only in the event loop, which a program that trains for
// days may never return to.
#include "lent-memory.h"

#include <cstdint>
#include <utility>
#include <vector>

#include "operation.h"
#include "tensorflow-c.h"

namespace meshwright {
namespace {

// Where the elements of a tensor lie.
thread_local void* note = nullptr;

// Reports a failure to the context, if there is one, and frees the status.
void finish(TF_OpKernelContext* context, TF_Status* status) {
  if (TF_GetCode(status) != TF_OK) TF_OpKernelContext_Failure(context, status);
  TF_DeleteStatus(status);
}

void lend(void*, TF_OpKernelContext* context) {
  TF_Status* status = TF_NewStatus();
  TF_Tensor* x = nullptr;
  note = nullptr;
  TF_GetInput(context, 0, &x, status);
  if (TF_GetCode(status) == TF_OK) {
    note = TF_TensorData(x);
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
  note = nullptr;
  TF_GetInput(context, 0, &shape, status);
  if (TF_GetCode(status) == TF_OK) {
    const auto* dims = static_cast<const int32_t*>(TF_TensorData(shape));
    const std::vector<int64_t> sizes(dims, dims + TF_TensorByteSize(shape) / sizeof(int32_t));
    TF_DeleteTensor(shape);
    size_t bytes = type == TF_BOOL ? 1 : 4;
    for (const int64_t size : sizes) bytes *= size;
    TF_Tensor* y = TF_AllocateOutput(context, 0, type, sizes.data(), static_cast<int>(sizes.size()), bytes, status);
    if (TF_GetCode(status) == TF_OK) {
      note = TF_TensorData(y);
      TF_DeleteTensor(y);
    }
  }
  finish(context, status);
}

constexpr char kTypes[] = "T: {float, int32, bool}";

napi_value take(napi_env env, napi_callback_info) {
  void* data = std::exchange(note, nullptr);
  napi_value address = nullptr;
  if (data == nullptr) {
    napi_throw_error(env, nullptr, "take: no tensor was lent on this thread");
  } else {
    // Addresses have 47 bits, or 56 at most: a double holds 53, and the last bits are 0.
    napi_create_double(env, static_cast<double>(reinterpret_cast<uintptr_t>(data)), &address);
  }
  return address;
}

// The memory is TensorFlow's.
void keep(napi_env, void*, void*) {}

napi_value window(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value arguments[2];
  double address = 0, bytes = 0;
  napi_value buffer = nullptr;
  if (napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr) != napi_ok || count != 2 ||
      napi_get_value_double(env, arguments[0], &address) != napi_ok ||
      napi_get_value_double(env, arguments[1], &bytes) != napi_ok || !(address > 0 && bytes > 0)) {
    napi_throw_type_error(env, nullptr, "window: address and bytes must be positive numbers");
  } else if (napi_create_external_arraybuffer(env, reinterpret_cast<void*>(static_cast<uintptr_t>(address)),
                                              static_cast<size_t>(bytes), keep, nullptr, &buffer) != napi_ok) {
    napi_throw_error(env, nullptr, "window: this Node.js does not allow buffers over foreign memory");
  }
  return buffer;
}

bool export_function(napi_env env, napi_value exports, const char* name, napi_callback callback) {
  napi_value function;
  return napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, nullptr, &function) == napi_ok &&
         napi_set_named_property(env, exports, name, function) == napi_ok;
}

}  // namespace

bool define_memory_operations() {
  return define_operation("MeshwrightLend", {"x: T"}, {}, {kTypes}, {lend}) &&
         define_operation("MeshwrightEmpty", {"shape: int32"}, {"y: T"}, {kTypes}, {empty, read_type, delete_type});
}

bool export_memory_functions(napi_env env, napi_value exports) {
  return export_function(env, exports, "take", take) && export_function(env, exports, "window", window);
}

}  // namespace meshwright
