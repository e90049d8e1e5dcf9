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

/** The array that a rank gives, and the one that it gets: the same one, or two that do not overlap. */
interface Reduction {
  readonly send: NumericArray;
  readonly receive: NumericArray;
  readonly op: ReduceOp;
}

/** Reduces `send` into `receive`. */
export function allReduce(exchange: Exchange, call: Call, reduction: Reduction): void {
  if (reduction.send.byteLength <= exchange.oneRoundBytes) reduceInOneRound(exchange, call, reduction);
  else reduceByShares(exchange, call, reduction);
}

/** Small arrays: every rank reduces everything, in the same order. */
function reduceInOneRound(exchange: Exchange, call: Call, { send, receive, op }: Reduction): void {
  const { memory, kernels, scratch } = exchange;
  const elements = memory.viewLike(send);
  const perWord = 4 / send.BYTES_PER_ELEMENT;
  const count = send.length;
  const inputs = new Int32Array(exchange.size);
  const slot = exchange.acquire();
  copyElements(elements, exchange.ownData(slot) * perWord, send, 0, count);
  exchange.meet(slot, call, inputs);
  kernels.reduce(send, op, inputs, scratch, { first: 0, count });
  exchange.releaseAll();
  copyElements(receive, 0, elements, scratch * perWord, count);
}

function reduceByShares(exchange: Exchange, call: Call, { send, receive, op }: Reduction): void {
  const { memory, kernels, rank, size } = exchange;
  const elements = memory.viewLike(send);
  const perWord = 4 / send.BYTES_PER_ELEMENT;
  const alignment = SHARE_ALIGNMENT_BYTES / send.BYTES_PER_ELEMENT;
  const pieceLength = exchange.slotElements(send);
  const numPieces = Math.ceil(send.length / pieceLength);
  let previous = new Int32Array(size);
  let current = new Int32Array(size);
  for (let piece = 0; piece <= numPieces; piece++) {
    const start = piece * pieceLength;
    const last = piece === numPieces;
    const slot = last ? -1 : exchange.acquire();
    if (!last) {
      const count = Math.min(pieceLength, send.length - start);
      copyElements(elements, exchange.ownData(slot) * perWord, send, start, count);
    }
    const before = start - pieceLength;
    const countBefore = Math.min(pieceLength, send.length - before);
    const share = Math.ceil(countBefore / size / alignment) * alignment;
    if (piece > 0) {
      const first = Math.min(rank * share, countBefore);
      const count = Math.min(share, countBefore - first);
      kernels.reduce(send, op, previous, previous[rank]!, { first, count });
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
      copyElements(receive, before + first, elements, previous[from]! * perWord + first, count);
    }
    exchange.releaseAll(last ? 0 : 1);
    [previous, current] = [current, previous];
  }
}
