/**
 * Programs that misuse collectives, each in one way.
 *
 * @packageDocumentation
 */
import type { RankContext } from "./rank-context.ts";

/** What a rank got for a wrong call. */
export interface FaultReply {
  readonly name: string;
  readonly message: string;
  /** Whether the destination arrays still hold what they held before. */
  readonly untouched: boolean;
}

/** Ways in which rank 1 differs from the others. */
export type Disagreement =
  | "collective"
  | "length"
  | "dtype"
  | "op"
  | "root"
  | "counts"
  | "label"
  | "all-to-all counts"
  | "order of groups";

export const faultPrograms = {
  /** Rank 1 makes another call than the rest; returns what each rank got. */
  disagree(context: RankContext, how: Disagreement): FaultReply {
    const { rank, size } = context;
    const everyone = Array.from({ length: size }, (_, index) => index);
    const group = context.group(everyone, "tp");
    const other = context.group(everyone, "dp");
    const odd = rank === 1;
    const buffer = new Float32Array(12).fill(7);
    return caught(buffer, () => {
      switch (how) {
        case "collective":
          if (odd) return group.allGather(new Float32Array(2), { into: buffer.subarray(0, 2 * size) });
          return group.allReduce(buffer, { label: "grad w" });
        case "length":
          return group.allReduce(odd ? buffer.subarray(0, 11) : buffer);
        case "dtype":
          return group.allReduce(odd ? new Int32Array(12) : buffer);
        case "op":
          return group.allReduce(buffer, { op: odd ? "max" : "min" });
        case "label":
          return group.allReduce(buffer, { label: odd ? "grad b" : "grad w" });
        case "root":
          return group.broadcast(buffer, { root: odd ? 1 : 0 });
        case "counts": {
          const counts = everyone.map((_, index) => (index === (odd ? 1 : 0) ? 12 : 0));
          return group.reduceScatter(new Float32Array(12), {
            counts,
            into: buffer.subarray(0, counts[rank]),
          });
        }
        case "all-to-all counts": {
          const sendCounts = everyone.map((_, index): number => (index === rank ? 1 : 2));
          const receiveCounts = everyone.map((_, index): number => (index === rank ? 1 : odd ? 3 : 2));
          const into = buffer.subarray(
            0,
            receiveCounts.reduce((total, count) => total + count),
          );
          const length = sendCounts.reduce((total, count) => total + count);
          return group.allToAll(new Float32Array(length), { sendCounts, receiveCounts, into });
        }
        case "order of groups":
          (odd ? other : group).barrier();
          (odd ? group : other).barrier();
          return undefined;
      }
    });
  },

  /** Ranks 0 and 1 make a call that rank 1 makes in a larger group; rank 2 waits for it there. */
  crossGroups(context: RankContext): FaultReply {
    const buffer = new Float32Array(3).fill(7);
    return caught(buffer, () => {
      if (context.rank === 0) context.group([0, 1], "pair").allReduce(buffer);
      else context.group([0, 1, 2], "all").allReduce(buffer);
    });
  },

  /** Rank 1 makes two calls, the others three. */
  skip(context: RankContext): FaultReply | null {
    const group = context.group(
      Array.from({ length: context.size }, (_, index) => index),
      "world",
    );
    const buffer = new Float32Array(3).fill(7);
    group.barrier();
    group.barrier({ label: "epoch end" });
    return context.rank === 1 ? null : caught(buffer, () => group.allReduce(buffer));
  },

  /** Rank 1 computes until rank 0 has given up, and then makes the call too. */
  stall(context: RankContext, gaveUp: Int32Array): FaultReply {
    const group = context.group([0, 1], "world");
    const buffer = new Float32Array(5).fill(7);
    // In a group that waits long enough for a slow start.
    context.group([0, 1], "set-up", 3_600_000).barrier({ label: "start" });
    // Woken by rank 0 below.
    if (context.rank === 1) Atomics.wait(gaveUp, 0, 0);
    const reply = caught(buffer, () => group.allReduce(buffer, { op: "max" }));
    Atomics.store(gaveUp, 0, 1);
    Atomics.notify(gaveUp, 0);
    return reply;
  },

  /** All ranks receive from the next one. */
  circle(context: RankContext): FaultReply {
    const { rank, size } = context;
    const group = context.group(
      Array.from({ length: size }, (_, index) => index),
      "ring",
    );
    const buffer = new Float32Array(4).fill(7);
    return caught(buffer, () => group.receive(buffer, (rank + 1) % size, { tag: 3 }));
  },

  /** Rank 0 waits in a barrier, the others for a message that rank 0 never sends: no circle, but no end either. */
  stuck(context: RankContext): FaultReply {
    const { rank, size } = context;
    const group = context.group(
      Array.from({ length: size }, (_, index) => index),
      "world",
    );
    const buffer = new Float32Array(4).fill(7);
    return caught(buffer, () => {
      if (rank > 0) group.receive(buffer, 0, { label: "never" });
      else group.barrier();
    });
  },

  /** Rank 0 sends 5 integers, rank 1 receives 4 floats. */
  wrongMessage(context: RankContext): FaultReply {
    const group = context.group([0, 1], "pp");
    const buffer = new Float32Array(4).fill(7);
    return caught(buffer, () => {
      if (context.rank === 0) group.send(new Int32Array(5), 1, { tag: 9 });
      else group.receive(buffer, 0, { tag: 9 });
    });
  },

  /** After a failed call every further one fails in the same way. */
  failTwice(context: RankContext): readonly FaultReply[] {
    const group = context.group([0, 1], "tp");
    const buffer = new Float32Array(4).fill(7);
    return [1, 2].map(() => caught(buffer, () => group.allReduce(buffer.subarray(context.rank))));
  },
};

function caught(buffer: Float32Array, body: () => unknown): FaultReply {
  const before = buffer.slice();
  try {
    body();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return {
      name: error.name,
      message: error.message,
      untouched: buffer.every((value, index) => value === before[index]),
    };
  }
  return { name: "none", message: "", untouched: true };
}
