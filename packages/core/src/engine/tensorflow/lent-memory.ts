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
import type { DataType, TensorInfo } from "@tensorflow/tfjs";
import type { NumericArray } from "../../transport/transport.ts";
import { InternalError } from "../../errors.ts";
import { newArray } from "../cpu-internals.ts";
import { sizeOf } from "../shape.ts";
import type { NativeBackend, NativeData } from "../tensorflow-kernels/native-backend.ts";

/** The functions of the library of fused operations that lend memory. */
export interface LendingLibrary {
  /** The address of the elements of the tensor that the last operation on this thread noted. */
  take(): number;
  /** An `ArrayBuffer` over a part of the address space, which need not be mapped where nothing reads it. */
  window(address: number, bytes: number): ArrayBuffer;
}

/** Whether the library has both functions. */
export function canLend(library: Partial<LendingLibrary> | undefined): library is LendingLibrary {
  return library?.take !== undefined && library.window !== undefined;
}

/**
 * Buffers begin and end at multiples of this, so that the tensors of a whole training share a few of them. glibc's heaps
 * of threads have the same size and borders.
 */
const WINDOW_BYTES = 64 * 1024 * 1024;

/** From here on lending costs less than copying (`pnpm bench copies`). */
const LENT_BYTES = 128 * 1024;

/** The lent memory of one backend. As everywhere, an array over it ends with the next allocation, and with its tensor. */
export class LentMemory {
  readonly #native: NativeBackend;
  readonly #library: LendingLibrary;
  readonly #addresses = new WeakMap<NativeData, number>();
  /** By first window and number of windows. */
  readonly #windows = new Map<string, ArrayBuffer>();

  constructor(native: NativeBackend, library: LendingLibrary) {
    this.#native = native;
    this.#library = library;
  }

  /** The elements: lent if there are many, else copied. */
  view(info: TensorInfo): NumericArray {
    const data = this.#native.find(info.dataId);
    if (data === undefined) throw new InternalError("a view of a tensor that was disposed");
    const size = sizeOf(info.shape);
    if (data.values !== null || !isLent(size, info.dtype)) return this.#native.read(info);
    let address = this.#addresses.get(data);
    if (address === undefined) {
      this.#native.execute("MeshwrightLend", [info], { numOutputs: 0 });
      address = this.#library.take();
      this.#addresses.set(data, address);
    }
    return this.#arrayAt(address, size, info.dtype);
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
    const address = this.#library.take();
    this.#addresses.set(native.find(info.dataId)!, address);
    try {
      fill?.(this.#arrayAt(address, size, dtype));
    } catch (error) {
      native.release(info);
      throw error;
    }
    return info;
  }

  #arrayAt(address: number, size: number, dtype: DataType): NumericArray {
    const first = Math.floor(address / WINDOW_BYTES);
    const numWindows = Math.ceil((address + size * bytesOf(dtype)) / WINDOW_BYTES) - first;
    const key = `${first} ${numWindows}`;
    const buffer =
      this.#windows.get(key) ?? this.#library.window(first * WINDOW_BYTES, numWindows * WINDOW_BYTES);
    this.#windows.set(key, buffer);
    const offset = address - first * WINDOW_BYTES;
    switch (typeOf(dtype)) {
      case "float32":
        return new Float32Array(buffer, offset, size);
      case "int32":
        return new Int32Array(buffer, offset, size);
      case "bool":
        return new Uint8Array(buffer, offset, size);
    }
  }
}

function isLent(size: number, dtype: DataType): boolean {
  return size * bytesOf(dtype) >= LENT_BYTES;
}

function bytesOf(dtype: DataType): number {
  return dtype === "bool" ? 1 : 4;
}

function typeOf(dtype: DataType): "float32" | "int32" | "bool" {
  if (dtype === "float32" || dtype === "int32" || dtype === "bool") return dtype;
  throw new InternalError(`an array for a ${dtype} tensor`);
}
