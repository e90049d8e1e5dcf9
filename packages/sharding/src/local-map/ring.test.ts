import type { NumericArray, ProcessGroup } from "@meshwright/core";
import { describe, expect, test } from "vitest";
import { exchangeAlongRing } from "./ring.ts";

interface Event {
  readonly kind: "send" | "receive";
  readonly partner: number;
}

/** What one rank does, in order; nothing is delivered. */
function eventsOf(rank: number, size: number, by: number): Event[] {
  const events: Event[] = [];
  const group: Pick<ProcessGroup, "rank" | "size" | "send" | "receive"> = {
    rank,
    size,
    send: (_, partner) => {
      events.push({ kind: "send", partner });
    },
    receive: <T extends NumericArray>(buffer: T, partner: number) => {
      events.push({ kind: "receive", partner });
      return buffer;
    },
  };
  const messages = { send: [new Float32Array(1)], receive: [new Float32Array(1)] };
  exchangeAlongRing(group as ProcessGroup, messages, { by, label: "test" });
  return events;
}

/** Whether all come to an end if a send waits until its message is taken. */
function endsWithoutBuffers(size: number, by: number): boolean {
  const queues = Array.from({ length: size }, (_, rank) => eventsOf(rank, size, by));
  for (let progress = true; progress;) {
    progress = false;
    queues.forEach((queue, rank) => {
      const [next] = queue;
      if (next?.kind !== "send") return;
      const [other] = queues[next.partner]!;
      if (other?.kind !== "receive" || other.partner !== rank) return;
      queue.shift();
      queues[next.partner]!.shift();
      progress = true;
    });
  }
  return queues.every((queue) => queue.length === 0);
}

describe("exchangeAlongRing", () => {
  test("ends for every ring and step, even if nothing is buffered", () => {
    for (let size = 1; size <= 9; size++) {
      for (let by = -size; by <= size; by++)
        expect([size, by, endsWithoutBuffers(size, by)]).toEqual([size, by, true]);
    }
  });

  test("is the picture: every other rank of a cycle receives first", () => {
    const first = (size: number, by: number): string =>
      Array.from({ length: size }, (_, rank) => eventsOf(rank, size, by)[0]!.kind).join(" ");
    expect(first(4, 1)).toBe("send receive send receive");
    expect(first(4, 2)).toBe("send send receive receive");
  });

  test("copies where a rank is its own neighbour", () => {
    const group = { rank: 1, size: 3 };
    const received = new Float32Array(2);
    const messages = { send: [Float32Array.of(5, 6)], receive: [received] };
    exchangeAlongRing(group as ProcessGroup, messages, { by: -3, label: "test" });
    expect([...received]).toEqual([5, 6]);
  });
});
