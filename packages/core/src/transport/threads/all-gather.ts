/**
 * All-gather over the outboxes.
 *
 * @packageDocumentation
 */
import type { Call, NumericArray } from "../transport.ts";
import { copyElements } from "./copy-elements.ts";
import type { Exchange } from "./exchange.ts";
import { offsetsOf } from "./piece-offsets.ts";

/** `receive` becomes the concatenation of all `send`; `counts[r]` elements come from rank `r`. */
export function allGather(
  exchange: Exchange,
  call: Call,
  arrays: { readonly send: NumericArray; readonly receive: NumericArray },
  counts: readonly number[],
): void {
  const { send, receive } = arrays;
  const { memory, rank, size } = exchange;
  const elements = memory.viewLike(send);
  const perWord = 4 / send.BYTES_PER_ELEMENT;
  const pieceLength = exchange.slotElements(send);
  const offsets = offsetsOf(counts);
  const data = new Int32Array(size);
  const numPieces = Math.max(1, Math.ceil(Math.max(...counts) / pieceLength));
  for (let piece = 0; piece < numPieces; piece++) {
    const start = piece * pieceLength;
    const slot = exchange.acquire();
    copyElements(elements, exchange.ownData(slot) * perWord, send, start, lengthFrom(start, counts[rank]!));
    if (piece === 0) exchange.meet(slot, call, data);
    else {
      exchange.post(slot);
      exchange.arriveAll(slot, data);
    }
    for (let from = 0; from < size; from++) {
      const count = lengthFrom(start, counts[from]!);
      // From the slot for this rank too: `send` may be a part of `receive` that was overwritten meanwhile.
      copyElements(receive, offsets[from]! + start, elements, data[from]! * perWord, count);
    }
    exchange.releaseAll();
  }

  function lengthFrom(start: number, count: number): number {
    return Math.max(0, Math.min(pieceLength, count - start));
  }
}
