/**
 * Local tensors as their two chunks: cut for the blocks of attention, packed for the way around the ring.
 *
 * Legend: B = sequences, K = key and value heads, H = query heads, C = positions per chunk, Dh = features of a head.
 *
 * ```
 *   tensor   [B, K, 2 C, Dh]     chunks of one head lie side by side
 *   buffer   [tensor, chunk, B, K, C, Dh]     each chunk is one run, so that it is a tensor as it lies
 * ```
 *
 * @packageDocumentation
 */
import { InternalError } from "@meshwright/core";
import type { TensorInfo } from "@tensorflow/tfjs";
import type { EngineDoor } from "../backend/engine-door.ts";
import { numElements } from "../layout.ts";
import { copyRegion } from "../redistribute/copy-region.ts";
import { CHUNKS_PER_RANK } from "./chunk-order.ts";

/** Local tensors `[B, K, 2 C, Dh]` of one shape, cut into chunks and packed. */
export class ChunkBuffers {
  readonly #door: EngineDoor;
  readonly #shape: readonly number[];
  readonly #numTensors: number;

  constructor(door: EngineDoor, shape: readonly number[], numTensors: number) {
    this.#door = door;
    this.#shape = shape;
    this.#numTensors = numTensors;
  }

  /** Shape of a chunk. */
  get chunkShape(): readonly number[] {
    const [batch, heads, positions, features] = this.#shape as [number, number, number, number];
    return [batch, heads, positions / CHUNKS_PER_RANK, features];
  }

  /** A buffer of zeros. */
  empty(): Float32Array {
    return new Float32Array(this.#numTensors * numElements(this.#shape));
  }

  /** The tensors' chunks in one buffer. */
  pack(tensors: readonly TensorInfo[]): Float32Array {
    const buffer = this.empty();
    tensors.forEach((info, tensor) => {
      const data = this.#view(info);
      for (let chunk = 0; chunk < CHUNKS_PER_RANK; chunk++) {
        this.#copy(data, this.part(buffer, tensor, chunk), { chunk, into: "chunk" });
      }
    });
    return buffer;
  }

  /** A tensor of the engine made of a buffer. */
  unpack(buffer: Float32Array, tensor: number): TensorInfo {
    return this.#door.engine.create(this.#shape, "float32", (out) => {
      for (let chunk = 0; chunk < CHUNKS_PER_RANK; chunk++) {
        this.#copy(out as Float32Array, this.part(buffer, tensor, chunk), { chunk, into: "tensor" });
      }
    });
  }

  /** The elements of a chunk in a buffer. */
  part(buffer: Float32Array, tensor: number, chunk: number): Float32Array {
    const length = numElements(this.chunkShape);
    const at = (tensor * CHUNKS_PER_RANK + chunk) * length;
    return buffer.subarray(at, at + length);
  }

  /** A chunk as a tensor of the engine, under any shape of as many elements. */
  upload(buffer: Float32Array, tensor: number, chunk: number, shape = this.chunkShape): TensorInfo {
    return this.#door.engine.create(shape, "float32", (out) => {
      out.set(this.part(buffer, tensor, chunk));
    });
  }

  /** Adds a tensor of the engine to a chunk, and frees it. */
  accumulate(buffer: Float32Array, tensor: number, chunk: number, info: TensorInfo): void {
    const part = this.part(buffer, tensor, chunk);
    const added = this.#view(info);
    for (let i = 0; i < part.length; i++) part[i]! += added[i]!;
    this.#door.dispose(info);
  }

  #view(info: TensorInfo): Float32Array {
    const view = this.#door.engine.view(info);
    if (!(view instanceof Float32Array)) throw new InternalError(`ring attention of a ${info.dtype} tensor`);
    return view;
  }

  #copy(
    tensor: Float32Array,
    part: Float32Array,
    { chunk, into }: { readonly chunk: number; readonly into: "chunk" | "tensor" },
  ): void {
    const { chunkShape } = this;
    const whole = { data: tensor, shape: this.#shape, offset: [0, 0, chunk * chunkShape[2]!, 0] };
    const piece = { data: part, shape: chunkShape, offset: [0, 0, 0, 0] };
    if (into === "chunk") copyRegion(whole, piece, chunkShape);
    else copyRegion(piece, whole, chunkShape);
  }
}
