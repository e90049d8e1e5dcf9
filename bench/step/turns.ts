/**
 * Lets several worlds of one process take turns, so that each steps while the others sleep.
 *
 * @packageDocumentation
 */
import { setTimeout as sleep } from "node:timers/promises";

/** Rare enough to leave the cores to whose turn it is. */
const POLL_MS = 5;

/** Shared by all worlds; goes to them as an option of their program. */
export interface Turns {
  /** One int32: the number of turns that ended. */
  readonly memory: SharedArrayBuffer;
  readonly players: number;
}

/** Turns for so many worlds. */
export function createTurns(players: number): Turns {
  return { memory: new SharedArrayBuffer(4), players };
}

/** Blocks this rank until its world's turn `round` begins. */
export function awaitTurn({ memory, players }: Turns, player: number, round: number): void {
  const ended = new Int32Array(memory);
  const mine = round * players + player;
  for (;;) {
    const now = Atomics.load(ended, 0);
    if (now === mine) return;
    Atomics.wait(ended, 0, now);
  }
}

/** Gives the turn to the next world. One rank of the world calls it, once all its ranks are done. */
export function endTurn({ memory }: Turns): void {
  const ended = new Int32Array(memory);
  Atomics.add(ended, 0, 1);
  Atomics.notify(ended, 0);
}

/** Waits for the turn without blocking the thread: for a player that is a process of its own. */
export async function untilTurn({ memory, players }: Turns, player: number, round: number): Promise<void> {
  const ended = new Int32Array(memory);
  while (Atomics.load(ended, 0) !== round * players + player) await sleep(POLL_MS);
}
