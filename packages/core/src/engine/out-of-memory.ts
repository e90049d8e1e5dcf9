/**
 * The error of an engine whose memory is full.
 *
 * @packageDocumentation
 */

/** An engine could not allocate a tensor. */
export class OutOfMemoryError extends Error {
  override readonly name: string = "OutOfMemoryError";

  constructor(
    /** Bytes that were asked for. */
    readonly bytes: number,
    /** Bytes that the engine's memory has in all. */
    readonly heapBytes: number,
  ) {
    super(
      `wasm engine: an allocation (${bytes} bytes) must fit into the heap (${heapBytes} bytes now, 4 GiB at most); use more ranks, smaller micro-batches or recomputation.`,
    );
  }
}
