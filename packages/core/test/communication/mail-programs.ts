/**
 * Programs that send messages.
 *
 * @packageDocumentation
 */
import type { RankContext } from "./rank-context.ts";

export const mailPrograms = {
  /** Rank 0 sends messages with the given tags; rank 1 receives them in another order. Returns what came with each tag. */
  reorder(
    context: RankContext,
    { sent, received, length }: { sent: readonly number[]; received: readonly number[]; length: number },
  ): readonly number[] {
    const group = context.group([0, 1], "pp");
    if (group.rank === 0) {
      sent.forEach((tag, index) => {
        group.send(new Int32Array(length).fill(tag * 100 + index), 1, { tag });
      });
      return [];
    }
    return received.map((tag) => {
      const message = group.receive(new Int32Array(length), 0, { tag });
      return message.every((value) => value === message[0]) ? (message[0] ?? NaN) : -1;
    });
  },

  /** Every rank sends to all others before it receives anything; the messages are larger than the mailboxes. */
  crossfire(context: RankContext, length: number): boolean {
    const { rank, size } = context;
    const others = Array.from({ length: size }, (_, index) => index).filter((other) => other !== rank);
    const group = context.group(
      Array.from({ length: size }, (_, index) => index),
      "pp",
    );
    for (const other of others) group.send(new Float32Array(length).fill(rank * 10 + other), other);
    return others.every((other) =>
      group.receive(new Float32Array(length), other).every((value) => value === other * 10 + rank),
    );
  },

  /** Rank 0 sends more than a mailbox holds and then meets rank 1, which receives only afterwards. */
  sendBeforeBarrier(context: RankContext, length: number): boolean {
    const group = context.group([0, 1], "pp");
    const message = new Float32Array(length);
    if (group.rank === 0) group.send(message.fill(3), 1);
    group.barrier();
    if (group.rank === 1) group.receive(message, 0);
    return message.every((value) => value === 3);
  },

  /** Two groups of the same ranks use the same tag; each gets its own message. */
  sameTag(context: RankContext): readonly number[] {
    const first = context.group([0, 1], "a");
    const second = context.group([0, 1], "a");
    if (context.rank === 0) {
      first.send(Int32Array.of(1), 1);
      second.send(Int32Array.of(2), 1);
      return [];
    }
    const two = second.receive(new Int32Array(1), 0);
    const one = first.receive(new Int32Array(1), 0);
    return [...two, ...one];
  },

  /**
   * Rank 1 waits while rank 0 works, which then sends two messages of one tag and two dtypes, one right after the other.
   * Returns how many pairs came as they were sent.
   */
  headersAndValues(context: RankContext, rounds: number): number {
    const group = context.group([0, 1], "pp");
    let numRight = 0;
    for (let round = 0; round < rounds; round++) {
      if (group.rank === 0) {
        const values = new Float32Array(300).fill(work(round));
        group.send(Int32Array.of(round, values.length), 1, { tag: 3 });
        group.send(values, 1, { tag: 3 });
        continue;
      }
      const [number, length] = group.receive(new Int32Array(2), 0, { tag: 3 });
      const values = group.receive(new Float32Array(length!), 0, { tag: 3 });
      if (number === round && values.every((value) => value === round)) numRight++;
    }
    return numRight;
  },
};

/** Some milliseconds of it: the receiver must be waiting, and between two looks for a message. */
function work(result: number): number {
  let sum = 0;
  for (let at = 0; at < 6_000_000; at++) sum = (sum + at) % 65_521;
  return sum < 0 ? sum : result;
}
