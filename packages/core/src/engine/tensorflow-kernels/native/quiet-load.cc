// Loads a library of TensorFlow for the life of the process, without the two lines that it writes to stderr as it finds
// oneDNN, whatever the log level says. load(path) returns an error's text, or undefined.
//
// Call it where no other thread writes to stderr: for the time of the load, what is written there is lost.
#include <dlfcn.h>
#include <fcntl.h>
#include <node_api.h>
#include <unistd.h>

#include <string>

namespace {

const char* load_quietly(const char* path) {
  const int stderr_copy = dup(STDERR_FILENO);
  const int nowhere = open("/dev/null", O_WRONLY);
  if (stderr_copy >= 0 && nowhere >= 0) dup2(nowhere, STDERR_FILENO);
  const char* error = dlopen(path, RTLD_NOW | RTLD_LOCAL) == nullptr ? dlerror() : nullptr;
  if (stderr_copy >= 0) {
    dup2(stderr_copy, STDERR_FILENO);
    close(stderr_copy);
  }
  if (nowhere >= 0) close(nowhere);
  return error;
}

napi_value load(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument;
  size_t length = 0;
  if (napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr) != napi_ok || count != 1 ||
      napi_get_value_string_utf8(env, argument, nullptr, 0, &length) != napi_ok) {
    napi_throw_type_error(env, nullptr, "load: path must be a string");
    return nullptr;
  }
  std::string path(length + 1, '\0');
  napi_get_value_string_utf8(env, argument, &path[0], path.size(), &length);
  const char* error = load_quietly(path.c_str());
  napi_value result = nullptr;
  if (error != nullptr) napi_create_string_utf8(env, error, NAPI_AUTO_LENGTH, &result);
  return result;
}

}  // namespace

NAPI_MODULE_INIT() {
  napi_value function;
  if (napi_create_function(env, "load", NAPI_AUTO_LENGTH, load, nullptr, &function) == napi_ok) {
    napi_set_named_property(env, exports, "load", function);
  }
  return exports;
}
