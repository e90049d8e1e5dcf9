/**
 * Lets tensors of different shapes share their data on tfjs-node's backend, as they may on every other backend of tfjs.
 *
 * There a data id stands for elements, and each tensor that shares them has a shape of its own. Behind a data id of
 * tfjs-node is a TensorFlow tensor with one shape, which operations use whatever shape the tensor that comes in has. Here
 * an operation gets a TensorFlow tensor of the right shape, which shares the elements and lives as long as they do.
 *
 * @packageDocumentation
 */
import type { DataId, KernelBackend, TensorInfo } from "@tensorflow/tfjs";
import { InternalError } from "../../errors.ts";

/** The parts of the backend that are not in its public types. */
interface NativeBackend extends KernelBackend {
  readonly binding: {
    readonly TF_ATTR_TYPE: number;
    readonly TF_INT32: number;
    createTensor(shape: readonly number[], dtype: number, values: Int32Array): number;
    deleteTensor(id: number): void;
    executeOp(
      name: string,
      attributes: readonly object[],
      inputs: readonly number[],
      numOutputs: number,
    ): readonly { readonly id: number }[];
  };
  readonly tensorMap: { get(dataId: DataId): NativeData; has(dataId: DataId): boolean };
  /** Of int64 scalars too, which have no data id. */
  getInputTensorIds(tensors: readonly (TensorInfo | object)[]): number[];
}

/** What the backend knows of one data id. */
interface NativeData {
  readonly shape: readonly number[];
  /** TensorFlow's number of the type. */
  readonly dtype: number;
}

/** Changes the backend. @throws InternalError if its internals are not those of tfjs-node 4.22. */
export function allowShapeViews(backend: KernelBackend): void {
  if (!isNativeBackend(backend)) {
    throw new InternalError("tfjs-node's backend lacks what it has in version 4.22");
  }
  const views = new WeakMap<NativeData, Map<string, number>>();
  const stockIds = backend.getInputTensorIds.bind(backend);
  backend.getInputTensorIds = (tensors) => {
    const ids = stockIds(tensors);
    tensors.forEach((tensor, i) => {
      if (!("dataId" in tensor)) return;
      const data = backend.tensorMap.get(tensor.dataId);
      if (isSameShape(data.shape, tensor.shape)) return;
      const ofData = views.get(data) ?? new Map<string, number>();
      views.set(data, ofData);
      const key = tensor.shape.join();
      const view = ofData.get(key) ?? reshaped(backend, { id: ids[i]!, dtype: data.dtype }, tensor.shape);
      ofData.set(key, view);
      ids[i] = view;
    });
    return ids;
  };
  const stockDispose = backend.disposeData.bind(backend);
  backend.disposeData = (dataId, force) => {
    const data = backend.tensorMap.has(dataId) ? backend.tensorMap.get(dataId) : undefined;
    const isGone = stockDispose(dataId, force);
    if (isGone && data !== undefined) {
      for (const view of views.get(data)?.values() ?? []) backend.binding.deleteTensor(view);
    }
    return isGone;
  };
}

function reshaped(
  { binding }: NativeBackend,
  { id, dtype }: { readonly id: number; readonly dtype: number },
  shape: readonly number[],
): number {
  const target = binding.createTensor([shape.length], binding.TF_INT32, Int32Array.from(shape));
  const attributes = [
    { name: "T", type: binding.TF_ATTR_TYPE, value: dtype },
    { name: "Tshape", type: binding.TF_ATTR_TYPE, value: binding.TF_INT32 },
  ];
  try {
    return binding.executeOp("Reshape", attributes, [id, target], 1)[0]!.id;
  } finally {
    binding.deleteTensor(target);
  }
}

function isSameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, dim) => size === b[dim]);
}

function isNativeBackend(backend: KernelBackend): backend is NativeBackend {
  const [binding, map] = ["binding", "tensorMap"].map((name) => Object(Reflect.get(backend, name)) as object);
  return (
    ["createTensor", "deleteTensor", "executeOp"].every((name) => isFunction(binding!, name)) &&
    ["get", "has"].every((name) => isFunction(map!, name)) &&
    isFunction(backend, "getInputTensorIds")
  );
}

function isFunction(holder: object, name: string): boolean {
  return typeof Reflect.get(holder, name) === "function";
}
