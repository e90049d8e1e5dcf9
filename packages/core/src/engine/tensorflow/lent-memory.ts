/**
 * Lends the memory of TensorFlow's tensors to JavaScript, so that collectives read tensors and write results without a
 * copy. CPU only, and only where the operations of `tensorflow-kernels/native` were built.
 *
 * ```text
 *                read for a collective        made of its result
 *   copied       TensorFlow -> new array      new array -> TensorFlow     two passes each, one over fresh pages
 *   lent         -                            -
 * ```
 *
 * @packageDocumentation
 */
import type { DataType, KernelBackend, TensorInfo } from "@tensorflow/tfjs";
import type { NumericArray } from "../../transport/transport.ts";
import { InternalError } from "../../errors.ts";
import { newArray } from "../cpu-internals.ts";
import { sizeOf } from "../shape.ts";
import type { NativeBackend, NativeData } from "../tensorflow-kernels/native-backend.ts";

/** The functions of the library of fused operations that lend memory. */
export interface LendingLibrary {
  /** An `ArrayBuffer` over the elements of the tensor that the last operation on this thread noted. */
  take(): ArrayBuffer;
  /** Ends one that `take` returned: arrays over it have length 0 from then on. */
  withdraw(buffer: ArrayBuffer): void;
}

/** Whether the library has both functions. */
export function canLend(library: Partial<LendingLibrary> | undefined): library is LendingLibrary {
  return library?.take !== undefined && library.withdraw !== undefined;
}

/** From here on lending costs less than copying (`pnpm bench copies`). */
const LENT_BYTES = 128 * 1024;

/** The lent memory of one backend. */
export class LentMemory {
  readonly #native: NativeBackend;
  readonly #library: LendingLibrary;
  readonly #buffers = new WeakMap<NativeData, ArrayBuffer>();

  /** From now on, arrays over a tensor's memory end with the tensor: they have length 0 after it is freed. */
  constructor(backend: KernelBackend, native: NativeBackend, library: LendingLibrary) {
    this.#native = native;
    this.#library = library;
    const stockDispose = backend.disposeData.bind(backend);
    backend.disposeData = (dataId, force) => {
      const data = native.find(dataId);
      const buffer = data && this.#buffers.get(data);
      if (buffer === undefined) return stockDispose(dataId, force);
      const isLast = force === true || backend.refCount(dataId) <= 1;
      // First, so that nobody ever sees freed memory.
      if (isLast) library.withdraw(buffer);
      return stockDispose(dataId, force);
    };
  }

  /** The elements: lent if there are many, else copied. */
  view(info: TensorInfo): NumericArray {
    const data = this.#native.find(info.dataId);
    if (data === undefined) throw new InternalError("a view of a tensor that was disposed");
    const size = sizeOf(info.shape);
    if (data.values !== null || !isLent(size, info.dtype)) return this.#native.read(info);
    let buffer = this.#buffers.get(data);
    if (buffer === undefined) {
      this.#native.execute("MeshwrightLend", [info], { numOutputs: 0 });
      buffer = this.#library.take();
      this.#buffers.set(data, buffer);
    }
    return arrayOver(buffer, info.dtype);
  }

  /** A tensor whose elements `fill` writes: in place if there are many, else into an array that is copied. */
  create(shape: readonly number[], dtype: DataType, fill?: (out: NumericArray) => void): TensorInfo {
    const native = this.#native;
    const size = sizeOf(shape);
    if (!isLent(size, dtype)) {
      const values = newArray(size, dtype);
      fill?.(values);
      return native.create(values, shape, dtype);
    }
    const sizes = native.create(Int32Array.from(shape), [shape.length], "int32");
    const [made] = native.execute("MeshwrightEmpty", [sizes], { attrs: { T: { type: typeOf(dtype) } } });
    native.release(sizes);
    const info = made!;
    const buffer = this.#library.take();
    this.#buffers.set(native.find(info.dataId)!, buffer);
    try {
      fill?.(arrayOver(buffer, dtype));
    } catch (error) {
      native.release(info);
      throw error;
    }
    return info;
  }
}

function isLent(size: number, dtype: DataType): boolean {
  return size * (dtype === "bool" ? 1 : 4) >= LENT_BYTES;
}

function typeOf(dtype: DataType): "float32" | "int32" | "bool" {
  if (dtype === "float32" || dtype === "int32" || dtype === "bool") return dtype;
  throw new InternalError(`an array for a ${dtype} tensor`);
}

function arrayOver(buffer: ArrayBuffer, dtype: DataType): NumericArray {
  switch (typeOf(dtype)) {
    case "float32":
      return new Float32Array(buffer);
    case "int32":
      return new Int32Array(buffer);
    case "bool":
      return new Uint8Array(buffer);
  }
}
