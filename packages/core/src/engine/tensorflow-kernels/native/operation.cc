#include "operation.h"

namespace meshwright {
namespace {

void unknown_shapes(TF_ShapeInferenceContext* context, TF_Status* status) {
  TF_ShapeInferenceContextSetUnknownShape(context, status);
}

void no_shapes(TF_ShapeInferenceContext*, TF_Status*) {}

}  // namespace

bool define_operation(const char* name, Specs inputs, Specs outputs, Specs attributes, const Kernel& kernel) {
  TF_Status* status = TF_NewStatus();
  TF_OpDefinitionBuilder* op = TF_NewOpDefinitionBuilder(name);
  for (const char* spec : inputs) TF_OpDefinitionBuilderAddInput(op, spec);
  for (const char* spec : outputs) TF_OpDefinitionBuilderAddOutput(op, spec);
  for (const char* spec : attributes) TF_OpDefinitionBuilderAddAttr(op, spec);
  TF_OpDefinitionBuilderSetShapeInferenceFunction(op, outputs.size() == 0 ? no_shapes : unknown_shapes);
  TF_RegisterOpDefinition(op, status);
  if (TF_GetCode(status) == TF_OK) {
    TF_KernelBuilder* builder = TF_NewKernelBuilder(name, "CPU", kernel.create, kernel.compute, kernel.destroy);
    TF_RegisterKernelBuilder(name, builder, status);
  }
  const bool done = TF_GetCode(status) == TF_OK;
  TF_DeleteStatus(status);
  return done;
}

}  // namespace meshwright
