/**
 * Broadcast and barrier over the outboxes.
 *
 * @packageDocumentation
 */
import type { Call, NumericArray } from "../transport.ts";
import { copyElements } from "./copy-elements.ts";
import type { Exchange } from "./exchange.ts";

/** Every rank's `buffer` becomes the root's. */
export function broadcast(exchange: Exchange, call: Call, buffer: NumericArray, root: number): void {
  const { memory, rank, size } = exchange;
  const elements = memory.viewLike(buffer);
  const perWord = 4 / buffer.BYTES_PER_ELEMENT;
  const pieceLength = exchange.slotElements(buffer);
  const numPieces = Math.max(1, Math.ceil(buffer.length / pieceLength));
  const data = new Int32Array(size);
  for (let piece = 0; piece < numPieces; piece++) {
    const start = piece * pieceLength;
    const count = Math.min(pieceLength, buffer.length - start);
    // All meet in the first round, so that a rank in another call is found; after it only the root posts.
    const slot = rank === root || piece === 0 ? exchange.acquire() : -1;
    if (rank === root) copyElements(elements, exchange.ownData(slot) * perWord, buffer, start, count);
    if (piece === 0) exchange.meet(slot, call, data);
    else if (rank === root) exchange.post(slot);
    else data[root] = exchange.arrive(root);
    if (rank !== root) copyElements(buffer, start, elements, data[root]! * perWord, count);
    if (piece === 0) exchange.releaseAll();
    else if (rank !== root) exchange.release(root);
  }
}

/** Returns once every rank has called it. */
export function barrier(exchange: Exchange, call: Call): void {
  exchange.meet(exchange.acquire(), call);
  exchange.releaseAll();
}
