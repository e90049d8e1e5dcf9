/**
 * A step around a ring of ranks: everybody sends to the rank `by` positions on, and receives from the one `by` back.
 *
 * A mailbox holds a limited number of bytes, so ranks that all sent first could wait for each other for ever. Every
 * other rank of a cycle receives first:
 *
 * ```
 *   by 1 of 4     0 -> 1 -> 2 -> 3 -> 0        0, 2 send first; 1, 3 receive first
 *   by 2 of 4     0 -> 2 -> 0, 1 -> 3 -> 1     0, 1 send first; 2, 3 receive first
 * ```
 *
 * @packageDocumentation
 */
import type { NumericArray, ProcessGroup } from "@meshwright/core";

/** Arrays to send, and arrays of equal lengths to fill, in the same order. */
export interface RingMessages {
  readonly send: readonly NumericArray[];
  readonly receive: readonly NumericArray[];
}

/** Exchanges messages around the ring. Bytes sent per rank: those of `send`; none if `by` is a multiple of the size. */
export function exchangeAlongRing(
  group: ProcessGroup,
  { send, receive }: RingMessages,
  { by, label }: { readonly by: number; readonly label: string },
): void {
  const { rank, size } = group;
  const to = modulo(rank + by, size);
  const from = modulo(rank - by, size);
  if (to === rank) {
    send.forEach((message, i) => {
      receive[i]!.set(message);
    });
    return;
  }
  const sendAll = (): void => {
    for (const message of send) group.send(message, to, { label });
  };
  const receiveAll = (): void => {
    for (const message of receive) group.receive(message, from, { label });
  };
  if (placeInCycle(rank, modulo(by, size), size) % 2 === 0) {
    sendAll();
    receiveAll();
  } else {
    receiveAll();
    sendAll();
  }
}

/** How many steps of `by` lead to `rank` from the smallest rank of its cycle. */
function placeInCycle(rank: number, by: number, size: number): number {
  let smallest = rank;
  for (let at = modulo(rank + by, size); at !== rank; at = modulo(at + by, size)) {
    smallest = Math.min(smallest, at);
  }
  let place = 0;
  for (let at = smallest; at !== rank; at = modulo(at + by, size)) place++;
  return place;
}

/** The remainder in `0..size-1`. */
export function modulo(value: number, size: number): number {
  return ((value % size) + size) % size;
}
