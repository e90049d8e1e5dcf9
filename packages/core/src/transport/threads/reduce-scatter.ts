/**
 * Reduce-scatter over the outboxes.
 *
 * @packageDocumentation
 */
import type { Call, NumericArray, ReduceOp } from "../transport.ts";
import { copyElements } from "./copy-elements.ts";
import type { Exchange } from "./exchange.ts";
import { offsetsOf } from "./piece-offsets.ts";

/** Regions of a slot start at multiples of this many bytes, so that no two ranks write to one cache line. */
const REGION_ALIGNMENT_BYTES = 128;

/** Elements of each rank's region when a slot is divided among `size` ranks. */
export function regionLength(exchange: Exchange, like: NumericArray): number {
  const alignment = REGION_ALIGNMENT_BYTES / like.BYTES_PER_ELEMENT;
  const length = Math.floor(exchange.slotElements(like) / exchange.size);
  return length < alignment ? Math.max(1, length) : Math.floor(length / alignment) * alignment;
}

/** `send` is `size` consecutive pieces; rank `r` receives the reduction of piece `r`, of `counts[r]` elements. */
export function reduceScatter(
  exchange: Exchange,
  call: Call,
  arrays: { readonly send: NumericArray; readonly receive: NumericArray; readonly op: ReduceOp },
  counts: readonly number[],
): void {
  const { send, receive, op } = arrays;
  const { memory, kernels, rank, size } = exchange;
  const elements = memory.viewLike(send);
  const perWord = 4 / send.BYTES_PER_ELEMENT;
  const region = regionLength(exchange, send);
  const offsets = offsetsOf(counts);
  const data = new Int32Array(size);
  const numRounds = Math.max(1, Math.ceil(Math.max(...counts) / region));
  for (let round = 0; round < numRounds; round++) {
    const start = round * region;
    const slot = exchange.acquire();
    for (let to = 0; to < size; to++) {
      const count = Math.max(0, Math.min(region, counts[to]! - start));
      copyElements(
        elements,
        exchange.ownData(slot) * perWord + to * region,
        send,
        offsets[to]! + start,
        count,
      );
    }
    if (round === 0) exchange.meet(slot, call, data);
    else {
      exchange.post(slot);
      exchange.arriveAll(slot, data);
    }
    const count = Math.max(0, Math.min(region, counts[rank]! - start));
    // In place of this rank's own input, which nobody else reads.
    kernels.reduce(send, op, data, data[rank]!, { first: rank * region, count });
    copyElements(receive, start, elements, data[rank]! * perWord + rank * region, count);
    exchange.releaseAll();
  }
}
