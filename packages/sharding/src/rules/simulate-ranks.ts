/**
 * Runs a decided kernel call as every rank of a mesh would, one after the other, in this process.
 *
 * @packageDocumentation
 */
import { InternalError } from "@meshwright/core";
import { engine, Tensor, tensor, tidy, type TensorInfo } from "@tensorflow/tfjs";
import { numElements, regionOf, type Layout } from "../layout.ts";
import type { MeshGeometry } from "../mesh.ts";
import type { Placement } from "../placement.ts";
import { assembleValue, coordinatesOf, cutValue, type DenseValue, type Random } from "./dense-value.ts";
import { emptyElement, hasEmptyShard } from "./empty-value.ts";
import type { Decision } from "./plan.ts";
import type { KernelAttrs, KernelCall, LocalKernels, Rule, TensorSpec } from "./rule.ts";

/** A kernel call with its whole inputs. */
export interface DenseCall extends KernelCall {
  readonly inputs: readonly (DenseValue & { readonly name: string })[];
}

/** The outputs of the plain kernel. */
export function runDense(call: DenseCall): DenseValue[] {
  return runToValues(() => runKernel(call.kernel, named(call, call.inputs.map(toTensor)), call.attrs));
}

/** The outputs of the kernel when its inputs are cut, and the local results put together, as decided. */
export function simulateRanks(
  rule: Rule,
  call: DenseCall,
  mesh: MeshGeometry,
  decision: Decision,
  random: Random,
): DenseValue[] {
  const specs = rule.outputs(call);
  const cuts = call.inputs.map((input, i) => cutValue(input, decision.inputs[i]!, mesh, random));
  const byRank = coordinatesOf(mesh).map((coordinate) => {
    const layout = (spec: TensorSpec, placements: readonly Placement[]): Layout =>
      layoutAt(spec, placements, mesh, coordinate);
    return runRank(
      rule,
      call,
      cuts.map((cut) => cut(coordinate)),
      call.inputs.map((input, i) => layout(input, decision.inputs[i]!)),
      specs.map((spec, i) => layout(spec, decision.outputs[i]!)),
    );
  });
  return specs.map((spec, i) =>
    assembleValue(
      spec,
      decision.outputs[i]!,
      mesh,
      byRank.map((outputs) => outputs[i]!),
    ),
  );
}

function runRank(
  rule: Rule,
  call: DenseCall,
  values: readonly DenseValue[],
  inputs: readonly Layout[],
  outputs: readonly Layout[],
): DenseValue[] {
  if (hasEmptyShard(inputs)) {
    return outputs.map(({ localShape, dtype }) => ({
      shape: localShape,
      dtype,
      values: new Array<number>(numElements(localShape)).fill(emptyElement(rule, dtype)),
    }));
  }
  return runToValues(() => {
    const tensors = values.map(toTensor);
    const local = { call, inputs, outputs };
    if (rule.local !== undefined) return rule.local(LOCAL_KERNELS, tensors, local).map(asTensor);
    return runKernel(call.kernel, named(call, tensors), rule.localAttrs?.(local) ?? call.attrs);
  });
}

function layoutAt(
  { shape, dtype }: TensorSpec,
  placements: readonly Placement[],
  mesh: MeshGeometry,
  coordinate: readonly number[],
): Layout {
  const region = regionOf(shape, placements, mesh.shape, coordinate);
  return { id: 0, shape, dtype, mesh, placements, localShape: region.shape, offset: region.offset };
}

type KernelInputs = Tensor[] | Record<string, Tensor>;

/** Kernels that take a list name their inputs "0", "1", ... */
function named(call: KernelCall, tensors: Tensor[]): KernelInputs {
  if (call.inputs[0]?.name === "0") return tensors;
  return Object.fromEntries(tensors.map((value, i) => [call.inputs[i]!.name, value]));
}

function runKernel(kernel: string, inputs: KernelInputs, attrs: KernelAttrs): Tensor[] {
  const result: Tensor | Tensor[] = engine().runKernel(
    kernel,
    // tfjs types the inputs as a map; its kernels take lists under the same name.
    inputs as Record<string, Tensor>,
    { ...attrs } as Parameters<ReturnType<typeof engine>["runKernel"]>[2],
  );
  return Array.isArray(result) ? result : [result];
}

const LOCAL_KERNELS: LocalKernels = {
  run: (kernel, inputs, attrs) =>
    runKernel(
      kernel,
      Object.fromEntries(Object.entries(inputs).map(([name, info]) => [name, asTensor(info)])),
      attrs ?? {},
    ),
  dispose: (info) => {
    asTensor(info).dispose();
  },
};

function asTensor(info: TensorInfo): Tensor {
  if (isTensor(info)) return info;
  throw new InternalError("a simulated kernel returned something other than a tensor");
}

function isTensor(info: TensorInfo): info is Tensor {
  return info instanceof Tensor;
}

function toTensor({ values, shape, dtype }: DenseValue): Tensor {
  const data = dtype === "int32" ? Int32Array : dtype === "bool" ? Uint8Array : Float32Array;
  return tensor(data.from(values), [...shape], dtype);
}

function runToValues(run: () => Tensor[]): DenseValue[] {
  const values: DenseValue[] = [];
  tidy(() => {
    for (const output of run()) {
      values.push({ shape: output.shape, dtype: output.dtype, values: Array.from(output.dataSync()) });
    }
  });
  return values;
}
