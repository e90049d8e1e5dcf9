/**
 * Everything the engine takes from inside the tfjs wasm backend 4.22, in one place: its memory, its allocator, and
 * where a tensor's bytes lie.
 *
 * @packageDocumentation
 */
import type { DataType, KernelBackend, TensorInfo } from "@tensorflow/tfjs";
import { InternalError } from "../errors.ts";
import type { NumericArray } from "../transport/transport.ts";
import { OutOfMemoryError } from "./out-of-memory.ts";
import { sizeOf } from "./shape.ts";
import type { WasmMemory } from "./web-assembly.ts";

/** The parts of the backend that are not in its public types. */
interface WasmBackend extends KernelBackend {
  readonly wasm: {
    readonly asm: { readonly memory: WasmMemory };
    /** Emscripten's view; it is replaced when the memory grows. */
    readonly HEAPU8: Uint8Array;
    _malloc: (bytes: number) => number;
    readonly _free: (address: number) => void;
  };
  readonly dataIdMap: { get(dataId: object): { readonly memoryOffset: number } };
  makeOutput(shape: readonly number[], dtype: DataType): TensorInfo;
}

function has(value: unknown, key: string, type: "object" | "function"): boolean {
  if (typeof value !== "object" || value === null || !(key in value)) return false;
  const member: unknown = Reflect.get(value, key);
  return typeof member === type && member !== null;
}

function isWasmBackend(backend: KernelBackend): backend is WasmBackend {
  const wasm: unknown = Reflect.get(backend, "wasm");
  const asm: unknown = has(wasm, "asm", "object") ? Reflect.get(wasm as object, "asm") : undefined;
  return (
    has(asm, "memory", "object") &&
    has(wasm, "HEAPU8", "object") &&
    has(wasm, "_malloc", "function") &&
    has(wasm, "_free", "function") &&
    has(backend, "dataIdMap", "object") &&
    has(backend, "makeOutput", "function") &&
    has(backend, "disposeData", "function")
  );
}

/** The memory of the tfjs wasm backend, with typed access to its tensors. */
export class WasmHeap {
  readonly #backend: WasmBackend;
  #scratch = { address: 0, bytes: 0 };

  /** @throws InternalError if the backend's internals are not those of tfjs 4.22. */
  constructor(backend: KernelBackend) {
    if (!isWasmBackend(backend)) {
      throw new InternalError(
        "the tfjs wasm backend has no memory, allocator or dataIdMap where 4.22.0 has them",
      );
    }
    this.#backend = backend;
    this.#reportExhaustion();
  }

  /** The memory itself; our own wasm module imports it. */
  get memory(): WasmMemory {
    return this.#backend.wasm.asm.memory;
  }

  /** The byte address of a tensor's first element. A tensor of another backend is moved here first. */
  address(info: TensorInfo): number {
    return this.#backend.dataIdMap.get(info.dataId).memoryOffset;
  }

  /** The elements in place; valid until the memory grows, that is until the next allocation. */
  view(info: TensorInfo): NumericArray {
    const { buffer } = this.#backend.wasm.HEAPU8;
    const address = this.address(info);
    const size = sizeOf(info.shape);
    switch (info.dtype) {
      case "float32":
        return new Float32Array(buffer, address, size);
      case "int32":
        return new Int32Array(buffer, address, size);
      case "bool":
        return new Uint8Array(buffer, address, size);
      case "complex64":
      case "string":
        throw new InternalError(`a view of a ${info.dtype} tensor`);
    }
  }

  /** A copy of the elements (of the encoded strings, for a string tensor). */
  copy(info: TensorInfo): ReturnType<KernelBackend["readSync"]> {
    return this.#backend.readSync(info.dataId);
  }

  /** A tensor with unspecified elements and one reference. */
  output(shape: readonly number[], dtype: DataType): TensorInfo {
    return this.#backend.makeOutput([...shape], dtype);
  }

  /** Another reference to the same elements, under another shape. */
  alias(info: TensorInfo, shape: readonly number[]): TensorInfo {
    this.#backend.incRef(info.dataId);
    return { dataId: info.dataId, shape: [...shape], dtype: info.dtype };
  }

  /** Gives up one reference. */
  release(info: TensorInfo): void {
    this.#backend.disposeData(info.dataId);
  }

  /** The address of `bytes` bytes that are never freed. */
  allocate(bytes: number): number {
    return this.#backend.wasm._malloc(bytes) >>> 0;
  }

  /**
   * The address (16-byte aligned) of at least `bytes` bytes that belong to the running kernel alone. The same memory
   * serves every kernel, one after the other; it grows to the largest request and stays.
   */
  scratch(bytes: number): number {
    if (bytes > this.#scratch.bytes) {
      const { wasm } = this.#backend;
      if (this.#scratch.address !== 0) wasm._free(this.#scratch.address);
      this.#scratch = { address: 0, bytes: 0 };
      this.#scratch = { address: wasm._malloc(bytes + 15) >>> 0, bytes };
    }
    return Math.ceil(this.#scratch.address / 16) * 16;
  }

  /** tfjs ignores an allocation that failed: address 0, where tensors then overwrite each other. */
  #reportExhaustion(): void {
    const { wasm } = this.#backend;
    const { memory } = wasm.asm;
    const malloc = wasm._malloc;
    wasm._malloc = (bytes) => {
      const address = malloc(bytes);
      if (address === 0 && bytes > 0) throw new OutOfMemoryError(bytes, memory.buffer.byteLength);
      return address;
    };
  }
}
