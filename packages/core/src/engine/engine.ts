/**
 * The engine: the tfjs backend that runs a rank's local work, and typed-array access to its memory.
 *
 * @packageDocumentation
 */
import type { DataType, TensorInfo } from "@tensorflow/tfjs";
import type { NumericArray } from "../transport/transport.ts";

/** `tensorflow` is tfjs-node or tfjs-node-gpu. */
export type EngineName = "tensorflow" | "wasm" | "cpu";

/** An engine that was tried and not taken. */
export interface SkippedEngine {
  readonly name: EngineName;
  readonly reason: string;
}

/** A running engine. The rest of the code never asks which one it is. */
export interface Engine {
  readonly name: EngineName;
  /** The name under which tfjs knows the backend. */
  readonly backendName: string;
  /** Engines that were tried before, and why each was not taken. */
  readonly skipped: readonly SkippedEngine[];
  /** Kernels that the engine lacks and runs on the cpu backend, on copies: right, but slow. Sorted. */
  bridgedKernels(): readonly string[];
  /**
   * The elements of a tensor of this engine. Zero copy where the engine allows it; valid until the next allocation
   * on the engine, and read-only: copy what must last.
   */
  view(info: TensorInfo): NumericArray;
  /**
   * Allocates a tensor of this engine and lets `fill` write its elements in place (zero copy where the engine allows
   * it). Without `fill` the elements are unspecified. `fill` must not allocate on the engine.
   */
  create(shape: readonly number[], dtype: DataType, fill?: (out: NumericArray) => void): TensorInfo;
}
