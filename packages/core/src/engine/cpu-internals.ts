/**
 * Everything the engine takes from inside the tfjs cpu backend 4.22, in one place: the arrays behind its tensors, and
 * its banner.
 *
 * @packageDocumentation
 */
import type { DataType, KernelBackend, TensorInfo } from "@tensorflow/tfjs";
import { InternalError } from "../errors.ts";
import type { NumericArray } from "../transport/transport.ts";
import { sizeOf } from "./shape.ts";

/** The parts of the backend that are not in its public types. */
interface CpuBackend extends KernelBackend {
  /** The first write prints an advertisement for tfjs-node while this is true. */
  firstUse: boolean;
  readonly data: { has(dataId: object): boolean; get(dataId: object): { readonly values: unknown } };
}

function isCpuBackend(backend: KernelBackend): backend is CpuBackend {
  const data: unknown = Reflect.get(backend, "data");
  return (
    typeof Reflect.get(backend, "firstUse") === "boolean" &&
    typeof data === "object" &&
    data !== null &&
    typeof Reflect.get(data, "get") === "function" &&
    typeof Reflect.get(data, "has") === "function"
  );
}

function isNumericArray(values: unknown): values is NumericArray {
  return values instanceof Float32Array || values instanceof Int32Array || values instanceof Uint8Array;
}

function asType(values: NumericArray, dtype: DataType): NumericArray {
  const typed = newArray(0, dtype);
  if (typed.constructor === values.constructor) return values;
  const copy = newArray(values.length, dtype);
  copy.set(values);
  return copy;
}

/** An array of `size` zeros for a tensor of `dtype`. */
export function newArray(size: number, dtype: DataType): NumericArray {
  switch (dtype) {
    case "float32":
      return new Float32Array(size);
    case "int32":
      return new Int32Array(size);
    case "bool":
      return new Uint8Array(size);
    case "complex64":
    case "string":
      throw new InternalError(`an array for a ${dtype} tensor`);
  }
}

/** The memory of the tfjs cpu backend. */
export class CpuMemory {
  readonly #backend: CpuBackend;

  /**
   * Silences the backend's banner.
   *
   * @throws InternalError if the backend's internals are not those of tfjs 4.22.
   */
  constructor(backend: KernelBackend) {
    if (!isCpuBackend(backend)) {
      throw new InternalError("the tfjs cpu backend has no data or firstUse where 4.22.0 has them");
    }
    this.#backend = backend;
    backend.firstUse = false;
  }

  /** The backend itself. */
  get backend(): KernelBackend {
    return this.#backend;
  }

  /** Whether the tensor's data is here already. */
  holds(info: TensorInfo): boolean {
    return this.#backend.data.has(info.dataId);
  }

  /**
   * The elements in place. A cast to a wider type, and a few kernels, leave them in an array of another type than the
   * tensor's; then this is a copy of the right type.
   */
  view(info: TensorInfo): NumericArray {
    const { values } = this.#backend.data.get(info.dataId);
    if (isNumericArray(values)) return asType(values, info.dtype);
    throw new InternalError(`a view of a ${info.dtype} tensor on the cpu backend`);
  }

  /** A tensor whose elements `fill` writes in place. */
  create(shape: readonly number[], dtype: DataType, fill?: (out: NumericArray) => void): TensorInfo {
    const values = newArray(sizeOf(shape), dtype);
    fill?.(values);
    return this.adopt(values, shape, dtype);
  }

  /** A tensor made of `values`, which it keeps. */
  adopt(
    values: Parameters<KernelBackend["write"]>[0],
    shape: readonly number[],
    dtype: DataType,
  ): TensorInfo {
    const ownShape = [...shape];
    return { dataId: this.#backend.write(values, ownShape, dtype), shape: ownShape, dtype };
  }

  /** Gives up one reference. */
  release(info: TensorInfo): void {
    this.#backend.disposeData(info.dataId);
  }
}
