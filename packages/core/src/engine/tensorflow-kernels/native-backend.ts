/**
 * Everything the engine's kernels take from inside the backend of tfjs-node 4.22, in one place: running one operation of
 * TensorFlow on tensors by their data.
 *
 * @packageDocumentation
 */
import type { DataId, DataType, KernelBackend, TensorInfo } from "@tensorflow/tfjs";
import { InternalError } from "../../errors.ts";
import type { NumericArray } from "../../transport/transport.ts";

/** An attribute of an operation. TensorFlow finds the types of inputs by itself. */
export type OperationAttribute =
  | { readonly float: number }
  | { readonly int: number }
  | { readonly type: "float32" | "int32" | "bool" }
  | boolean;

/** What the addon says of an output. */
interface OutputMetadata {
  readonly id: number;
  readonly shape: number[];
  readonly dtype: number;
}

interface Binding {
  readonly TF_FLOAT: number;
  readonly TF_INT32: number;
  readonly TF_BOOL: number;
  readonly TF_ATTR_FLOAT: number;
  readonly TF_ATTR_INT: number;
  readonly TF_ATTR_BOOL: number;
  readonly TF_ATTR_TYPE: number;
  executeOp(
    name: string,
    attrs: readonly object[],
    inputs: readonly number[],
    outputs: number,
  ): OutputMetadata[];
}

/** What the backend knows of one data id. */
export interface NativeData {
  /** Set while the elements are in JavaScript's hands: TensorFlow gets them with the first operation on them. */
  readonly values: unknown;
}

interface TensorflowBackend extends KernelBackend {
  readonly binding: Binding;
  readonly tensorMap: {
    get(dataId: object): NativeData;
    has(dataId: object): boolean;
    set(dataId: object, data: object): void;
  };
  readonly isUsingGpuDevice: boolean;
  getInputTensorIds(tensors: readonly TensorInfo[]): number[];
}

function isTensorflowBackend(backend: KernelBackend): backend is TensorflowBackend {
  const [binding, map] = ["binding", "tensorMap"].map((name) => Reflect.get(backend, name) as unknown);
  return (
    typeof binding === "object" &&
    typeof Reflect.get(Object(binding), "executeOp") === "function" &&
    ["get", "has", "set"].every((name) => typeof Reflect.get(Object(map), name) === "function") &&
    typeof Reflect.get(backend, "getInputTensorIds") === "function"
  );
}

/** Runs operations; their outputs are data alone, of which tfjs' engine knows nothing until a kernel returns them. */
export class NativeBackend {
  readonly #backend: TensorflowBackend;

  /** @throws InternalError if the backend's internals are not those of tfjs-node 4.22. */
  constructor(backend: KernelBackend) {
    if (!isTensorflowBackend(backend)) {
      throw new InternalError("tfjs-node's backend has no binding or tensorMap where 4.22.0 has them");
    }
    this.#backend = backend;
  }

  /** Whether operations run on a GPU. */
  get usesGpu(): boolean {
    return this.#backend.isUsingGpuDevice;
  }

  /** Runs one operation. The caller owns the outputs. */
  execute(
    name: string,
    inputs: readonly TensorInfo[],
    { attrs = {}, numOutputs = 1 }: ExecuteOptions = {},
  ): TensorInfo[] {
    const { binding, tensorMap } = this.#backend;
    const list = Object.entries(attrs).map(([key, value]) => attributeFor(binding, key, value));
    const ids = this.#backend.getInputTensorIds(inputs);
    return binding.executeOp(name, list, ids, numOutputs).map(({ id, shape, dtype }) => {
      const dataId = {};
      tensorMap.set(dataId, { shape, dtype, id, values: null, refCount: 1 });
      return { dataId, shape, dtype: nameOf(binding, dtype) };
    });
  }

  /** A tensor of these values, which it may keep. */
  create(values: NumericArray, shape: readonly number[], dtype: DataType): TensorInfo {
    const ownShape = [...shape];
    return { dataId: this.#backend.write(values, ownShape, dtype), shape: ownShape, dtype };
  }

  /** What the backend knows of a data id; undefined once it is gone. */
  find(dataId: DataId): NativeData | undefined {
    const { tensorMap } = this.#backend;
    return tensorMap.has(dataId) ? tensorMap.get(dataId) : undefined;
  }

  /** The elements, copied. */
  read(info: TensorInfo): NumericArray {
    return this.#backend.readSync(info.dataId) as NumericArray;
  }

  /** The same data once more. */
  share(info: TensorInfo): TensorInfo {
    this.#backend.incRef(info.dataId);
    return { dataId: info.dataId, shape: info.shape, dtype: info.dtype };
  }

  /** Gives up one reference. */
  release(info: TensorInfo): void {
    this.#backend.disposeData(info.dataId);
  }
}

/** Attributes by name, and how many outputs the operation has. */
export interface ExecuteOptions {
  readonly attrs?: Readonly<Record<string, OperationAttribute>>;
  readonly numOutputs?: number;
}

function attributeFor(binding: Binding, name: string, value: OperationAttribute): object {
  if (typeof value === "boolean") return { name, type: binding.TF_ATTR_BOOL, value };
  if ("float" in value) return { name, type: binding.TF_ATTR_FLOAT, value: value.float };
  if ("int" in value) return { name, type: binding.TF_ATTR_INT, value: value.int };
  return { name, type: binding.TF_ATTR_TYPE, value: numberOf(binding, value.type) };
}

function numberOf(binding: Binding, type: "float32" | "int32" | "bool"): number {
  if (type === "float32") return binding.TF_FLOAT;
  return type === "int32" ? binding.TF_INT32 : binding.TF_BOOL;
}

function nameOf(binding: Binding, dtype: number): DataType {
  if (dtype === binding.TF_FLOAT) return "float32";
  if (dtype === binding.TF_INT32) return "int32";
  if (dtype === binding.TF_BOOL) return "bool";
  throw new InternalError(`an output of TensorFlow's type ${dtype}`);
}
