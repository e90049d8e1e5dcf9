/**
 * Runs a decided kernel call as every rank of a mesh would, one after the other, in this process.
 *
 * @packageDocumentation
 */
import { InternalError, type NumericArray, type ProcessGroup } from "@meshwright/core";
import { engine, Tensor, tensor, tidy, type DataType, type TensorInfo } from "@tensorflow/tfjs";
import { numElements, regionOf, type Layout } from "../layout.ts";
import type { MeshGeometry } from "../mesh.ts";
import type { Placement } from "../placement.ts";
import { assembleValue, coordinatesOf, cutValue, type DenseValue, type Random } from "./dense-value.ts";
import { emptyElement, hasEmptyShard } from "./empty-value.ts";
import type { Decision } from "./plan.ts";
import { replay } from "./replay-collectives.ts";
import type { KernelAttrs, KernelCall, LocalCall, LocalKernels, Rule, TensorSpec } from "./rule.ts";

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
  const runAt = (coordinate: readonly number[], groups: readonly ProcessGroup[]): DenseValue[] => {
    const layout = (spec: TensorSpec, placements: readonly Placement[]): Layout =>
      layoutAt(spec, placements, mesh, coordinate);
    const values = cuts.map((cut) => cut(coordinate));
    return runRank(rule, values, {
      call,
      inputs: call.inputs.map((input, i) => layout(input, decision.inputs[i]!)),
      outputs: specs.map((spec, i) => layout(spec, decision.outputs[i]!)),
      groups,
    });
  };
  const byRank =
    rule.communicates === true
      ? replay(mesh, runAt)
      : coordinatesOf(mesh).map((coordinate) => runAt(coordinate, []));
  return specs.map((spec, i) =>
    assembleValue(
      spec,
      decision.outputs[i]!,
      mesh,
      byRank.map((outputs) => outputs[i]!),
    ),
  );
}

function runRank(rule: Rule, values: readonly DenseValue[], local: LocalCall): DenseValue[] {
  const { call } = local;
  const isPlain = rule.local === undefined || rule.isPlain?.(local) === true;
  if ((isPlain || rule.communicates !== true) && hasEmptyShard(local.inputs)) {
    return local.outputs.map(({ localShape, dtype }) => ({
      shape: localShape,
      dtype,
      values: new Array<number>(numElements(localShape)).fill(emptyElement(rule, dtype)),
    }));
  }
  return runToValues(() => {
    const tensors = values.map(toTensor);
    if (!isPlain) return rule.local!(LOCAL_KERNELS, tensors, local).map(asTensor);
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
  run: (kernel, inputs, attrs) => runKernel(kernel, asTensors(inputs), attrs ?? {}),
  dispose: (info) => {
    asTensor(info).dispose();
  },
  view: (info) => asTensor(info).dataSync<"float32" | "int32" | "bool">(),
  create: (shape, dtype, fill) => {
    const out = newArray(dtype, numElements(shape));
    fill?.(out);
    return tensor(out, [...shape], dtype);
  },
};

/** What nobody wrote shows: floats start as NaN, integers as a large number. */
function newArray(dtype: DataType, length: number): NumericArray {
  if (dtype === "float32") return new Float32Array(length).fill(NaN);
  return dtype === "int32" ? new Int32Array(length).fill(UNWRITTEN) : new Uint8Array(length);
}

const UNWRITTEN = 0x7abcdef0;

function asTensors(inputs: Parameters<LocalKernels["run"]>[1]): KernelInputs {
  if (Array.isArray(inputs)) return (inputs as readonly TensorInfo[]).map(asTensor);
  return Object.fromEntries(Object.entries(inputs).map(([name, info]) => [name, asTensor(info)]));
}

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
