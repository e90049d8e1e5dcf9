// Lets JavaScript read and write the memory of TensorFlow's tensors without a copy.
#ifndef MESHWRIGHT_LENT_MEMORY_H_
#define MESHWRIGHT_LENT_MEMORY_H_

#include <node_api.h>

namespace meshwright {

// Registers the operations below; once per process. False if TensorFlow refuses.
bool define_memory_operations();

// Adds the functions `take` and `window` to `exports`. False if Node.js refuses.
bool export_memory_functions(napi_env env, napi_value exports);

}  // namespace meshwright

#endif  // MESHWRIGHT_LENT_MEMORY_H_
