/**
 * All-reduce over the outboxes: reduce-scatter and all-gather of one piece after the other.
 *
 * ```text
 * piece k:    | fill slot | reduce own share | copy all shares out |
 * piece k+1:              | fill slot        | reduce own share    | copy all shares out |
 *                     signal             signal                signal
 * ```
 *
 * A share lies in place of the rank's own input, which nobody else needs there. One signal per piece serves both "my input is
 * there" for one piece and "my share is done" for the piece before.
 *
 * @packageDocumentation
 */
import type { Call, NumericArray, ReduceOp } from "../transport.ts";
import { copyElements } from "./copy-elements.ts";
import type { Exchange } from "./exchange.ts";

/** Shares start at multiples of this many bytes, so that no two ranks write to one cache line. */
const SHARE_ALIGNMENT_BYTES = 128;

/** Reduces `buffer` in place. */
export function allReduce(exchange: Exchange, call: Call, buffer: NumericArray, op: ReduceOp): void {
  if (buffer.byteLength <= exchange.oneRoundBytes) reduceInOneRound(exchange, call, buffer, op);
  else reduceByShares(exchange, call, buffer, op);
}

/** Small arrays: every rank reduces everything, in the same order. */
function reduceInOneRound(exchange: Exchange, call: Call, buffer: NumericArray, op: ReduceOp): void {
  const { memory, kernels, scratch } = exchange;
  const elements = memory.viewLike(buffer);
  const perWord = 4 / buffer.BYTES_PER_ELEMENT;
  const count = buffer.length;
  const inputs = new Int32Array(exchange.size);
  const slot = exchange.acquire();
  copyElements(elements, exchange.ownData(slot) * perWord, buffer, 0, count);
  exchange.meet(slot, call, inputs);
  kernels.reduce(buffer, op, inputs, scratch, { first: 0, count });
  exchange.releaseAll();
  copyElements(buffer, 0, elements, scratch * perWord, count);
}

function reduceByShares(exchange: Exchange, call: Call, buffer: NumericArray, op: ReduceOp): void {
  const { memory, kernels, rank, size } = exchange;
  const elements = memory.viewLike(buffer);
  const perWord = 4 / buffer.BYTES_PER_ELEMENT;
  const alignment = SHARE_ALIGNMENT_BYTES / buffer.BYTES_PER_ELEMENT;
  const pieceLength = exchange.slotElements(buffer);
  const numPieces = Math.ceil(buffer.length / pieceLength);
  let previous = new Int32Array(size);
  let current = new Int32Array(size);
  for (let piece = 0; piece <= numPieces; piece++) {
    const start = piece * pieceLength;
    const last = piece === numPieces;
    const slot = last ? -1 : exchange.acquire();
    if (!last) {
      const count = Math.min(pieceLength, buffer.length - start);
      copyElements(elements, exchange.ownData(slot) * perWord, buffer, start, count);
    }
    const before = start - pieceLength;
    const countBefore = Math.min(pieceLength, buffer.length - before);
    const share = Math.ceil(countBefore / size / alignment) * alignment;
    if (piece > 0) {
      const first = Math.min(rank * share, countBefore);
      const count = Math.min(share, countBefore - first);
      kernels.reduce(buffer, op, previous, previous[rank]!, { first, count });
    }
    if (piece === 0) exchange.meet(slot, call, current);
    else if (last) {
      exchange.signal();
      exchange.awaitSignals();
    } else {
      exchange.post(slot);
      exchange.arriveAll(slot, current);
    }
    for (let from = 0; piece > 0 && from < size; from++) {
      const first = Math.min(from * share, countBefore);
      const count = Math.min(share, countBefore - first);
      copyElements(buffer, before + first, elements, previous[from]! * perWord + first, count);
    }
    exchange.releaseAll(last ? 0 : 1);
    [previous, current] = [current, previous];
  }
}
