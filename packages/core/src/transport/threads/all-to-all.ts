/**
 * All-to-all over the outboxes, with uneven pieces.
 *
 * Only the two ranks of a pair know how much one sends to the other, so each pair goes on for as many rounds as its longer
 * direction needs: in round `k` a rank posts to those that it still owes something, and waits for those that still owe it.
 * With the first post goes what the sender sends and what it expects back; both sides compare.
 *
 * @packageDocumentation
 */
import type { Call, NumericArray } from "../transport.ts";
import { copyElements } from "./copy-elements.ts";
import type { Exchange } from "./exchange.ts";
import { offsetsOf } from "./piece-offsets.ts";
import { regionLength } from "./reduce-scatter.ts";

/** One side of an all-to-all: an array and the length of its piece for (or from) each rank. */
export interface Pieces {
  readonly array: NumericArray;
  readonly counts: readonly number[];
}

/** Piece `r` of `send` goes to rank `r`; piece `r` of `receive` comes from there. */
export function allToAll(exchange: Exchange, call: Call, send: Pieces, receive: Pieces): void {
  const { size, rank } = exchange;
  const region = regionLength(exchange, send.array);
  const sendOffsets = offsetsOf(send.counts);
  const receiveOffsets = offsetsOf(receive.counts);
  const longest = Math.max(...others(send.counts, rank), ...others(receive.counts, rank), 0);
  const numRounds = Math.max(1, Math.ceil(longest / region));
  const data = new Int32Array(size);
  for (let round = 0; round < numRounds; round++) {
    postRound(exchange, call, { send, receive, offsets: sendOffsets, region, round });
    collectRound(exchange, call, { send, receive, region, round }, data);
    const start = round * region;
    for (let from = 0; from < size; from++) {
      if (from === rank) continue;
      const count = pieceLength(receive.counts[from]!, start, region);
      if (count === 0 && round > 0) continue;
      const elements = exchange.memory.viewLike(receive.array);
      const source = data[from]! * (4 / receive.array.BYTES_PER_ELEMENT) + rank * region;
      copyElements(receive.array, receiveOffsets[from]! + start, elements, source, count);
      exchange.release(from);
    }
  }
  copyElements(
    receive.array,
    receiveOffsets[rank]!,
    send.array,
    sendOffsets[rank]!,
    Math.min(send.counts[rank]!, receive.counts[rank]!),
  );
}

interface Round {
  readonly send: Pieces;
  readonly receive: Pieces;
  readonly region: number;
  readonly round: number;
}

function postRound(
  exchange: Exchange,
  call: Call,
  { send, receive, region, round, offsets }: Round & { readonly offsets: readonly number[] },
): void {
  const { rank, size } = exchange;
  const start = round * region;
  const due = (to: number): boolean => to !== rank && (round === 0 || send.counts[to]! > start);
  if (!send.counts.some((_, to) => due(to))) return;
  const slot = exchange.acquire();
  const target = exchange.ownData(slot) * (4 / send.array.BYTES_PER_ELEMENT);
  const elements = exchange.memory.viewLike(send.array);
  for (let to = 0; to < size; to++) {
    if (to === rank) continue;
    const count = pieceLength(send.counts[to]!, start, region);
    copyElements(elements, target + to * region, send.array, offsets[to]! + start, count);
  }
  if (round === 0) exchange.writeHeader(slot, call);
  for (let to = 0; to < size; to++) {
    if (due(to)) exchange.postTo(to, slot, send.counts[to]!, receive.counts[to]!);
  }
}

/** Waits for this round's posts, all of them before any is delivered. */
function collectRound(
  exchange: Exchange,
  call: Call,
  { send, receive, region, round }: Round,
  data: Int32Array,
): void {
  const { rank, size } = exchange;
  for (let from = 0; from < size; from++) {
    if (from === rank) continue;
    if (round > 0) {
      if (receive.counts[from]! > round * region) data[from] = exchange.arrive(from);
      continue;
    }
    data[from] = exchange.meetOne(from, call);
    const [sends, expects] = exchange.notes(from);
    if (sends !== receive.counts[from]! || expects !== send.counts[from]!) {
      exchange.mismatch(
        `: rank ${from} sends ${sends} elements to rank ${rank}, which expects ${receive.counts[from]!}, and expects ${expects} from it, which sends ${send.counts[from]!}`,
      );
    }
  }
}

function pieceLength(count: number, start: number, region: number): number {
  return Math.max(0, Math.min(region, count - start));
}

function others(counts: readonly number[], rank: number): readonly number[] {
  return counts.filter((_, index) => index !== rank);
}
