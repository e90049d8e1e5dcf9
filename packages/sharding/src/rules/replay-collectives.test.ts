import { describe, expect, test } from "vitest";
import { replay } from "./replay-collectives.ts";

const grid = { axisNames: ["dp", "tp"], shape: [2, 3] };

describe("replay of ranks in one thread", () => {
  test("serves every collective along the axis that it is called on", () => {
    const results = replay(grid, ([dp, tp], [, group]) => {
      const mine = dp! * 10 + tp!;
      const { rank, size, ranks, name } = group!;
      return {
        group: [name, rank, size, ...ranks],
        sum: group!.allReduce(Float32Array.of(mine, 0.5)),
        max: group!.allReduce(Int32Array.of(mine, -mine), { op: "max" }),
        gathered: group!.allGather(
          Float32Array.from({ length: tp! }, () => mine),
          { counts: [0, 1, 2] },
        ),
        scattered: group!.reduceScatter(Int32Array.of(1, 2, 3, mine), { op: "sum", counts: [1, 0, 3] }),
        exchanged: group!.allToAll(Int32Array.of(mine, mine + 100, mine + 200)),
        rooted: group!.broadcast(Int32Array.of(mine), { root: 2 }),
      };
    });
    expect(results[4]).toEqual({
      group: ["tp", 1, 3, 3, 4, 5],
      sum: Float32Array.of(33, 1.5),
      max: Int32Array.of(12, -10),
      gathered: Float32Array.of(11, 12, 12),
      scattered: new Int32Array(0),
      exchanged: Int32Array.of(110, 111, 112),
      rooted: Int32Array.of(12),
    });
    expect(results[2]!.scattered).toEqual(Int32Array.of(6, 9, 3));
    expect(results[2]!.gathered).toEqual(Float32Array.of(1, 2, 2));
  });

  test("combines axes, one after the other", () => {
    const sums = replay(
      grid,
      ([dp, tp], [first, second]) => second!.allReduce(first!.allReduce(Float32Array.of(dp! * 3 + tp!)))[0]!,
    );
    expect(sums).toEqual([15, 15, 15, 15, 15, 15]);
  });

  test("delivers messages in the order sent, and barriers hold", () => {
    const ring = { axisNames: ["x"], shape: [3] };
    const received = replay(ring, ([x], [group]) => {
      for (const message of [x!, x! + 10]) group!.send(Int32Array.of(message), (x! + 1) % 3, { tag: 4 });
      group!.barrier();
      const from = (x! + 2) % 3;
      return [0, 1].map(() => group!.receive(new Int32Array(1), from, { tag: 4 })[0]!);
    });
    expect(received).toEqual([
      [2, 12],
      [0, 10],
      [1, 11],
    ]);
  });

  test("plays a rank again only for collectives that another one had yet to join", () => {
    let calls = 0;
    replay({ axisNames: ["x"], shape: [2] }, (_, [group]) => {
      calls++;
      group!.allReduce(Float32Array.of(1));
      group!.allReduce(Float32Array.of(1));
    });
    // Pass 1: rank 0 stops at its first call, rank 1 at its second. Pass 2: both find everything there.
    expect(calls).toBe(2 + 2);
  });

  test("tells which collectives differ, which counts are wrong, and who waits for ranks that have ended", () => {
    const pair = { axisNames: ["x"], shape: [2] };
    expect(() =>
      replay(pair, ([x], [group]) => group!.allReduce(new Float32Array(2), { op: x === 0 ? "sum" : "max" })),
    ).toThrow(
      'the ranks of group "x" must make the same collectives, but one calls allReduce(max, float32[2]) and another allReduce(sum, float32[2])',
    );
    expect(() => replay(pair, ([x], [group]) => group!.allGather(new Int32Array(x! + 1)))).toThrow(
      "allGather: counts (2, 2) must be what the ranks send (1, 2)",
    );
    expect(() =>
      replay(pair, ([x], [group]) => {
        if (x === 1) group!.barrier();
      }),
    ).toThrow(
      'the ranks of a group must make the same collectives, but rank 1 waits in barrier() of group "x" and the others have ended',
    );
    expect(() =>
      replay(pair, () => {
        throw new RangeError("of the rank itself");
      }),
    ).toThrow(RangeError);
  });
});
