// Registers an operation of the CPU device with TensorFlow.
#ifndef MESHWRIGHT_OPERATION_H_
#define MESHWRIGHT_OPERATION_H_

#include <initializer_list>

#include "tensorflow-c.h"

namespace meshwright {

using Specs = std::initializer_list<const char*>;

// What TensorFlow calls of an operation. `create` makes what `compute` gets first, once per operation and attributes.
struct Kernel {
  void (*compute)(void*, TF_OpKernelContext*);
  void* (*create)(TF_OpKernelConstruction*) = nullptr;
  void (*destroy)(void*) = nullptr;
};

// Specs as in TensorFlow's own definitions: "x: float". Shapes of outputs are known when they have been computed. Once per
// process and name; false if TensorFlow refuses.
bool define_operation(const char* name, Specs inputs, Specs outputs, Specs attributes, const Kernel& kernel);

}  // namespace meshwright

#endif  // MESHWRIGHT_OPERATION_H_
