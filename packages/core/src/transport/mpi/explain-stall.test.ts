import { describe, expect, test } from "vitest";
import { explainStall } from "./explain-stall.ts";
import type { MemberStatus } from "./member-status.ts";

const collective = (worldRank: number, more: Partial<MemberStatus> = {}): MemberStatus => ({
  worldRank,
  state: "waiting",
  call: {
    group: "tp",
    collective: "allReduce",
    label: "",
    sequence: 7,
    description: "allReduce(sum) at a.ts:1",
  },
  group: [0, 1, 2],
  groupKey: "0,1,2 0",
  arrived: { "0,1,2 0": 7 },
  ...{ sent: [0, 0, 0], received: [0, 0, 0] },
  forMs: 3_000,
  calls: 9,
  ...more,
});
const receive = (worldRank: number, partner: number): MemberStatus =>
  collective(worldRank, {
    partner,
    call: {
      group: "pp",
      collective: "receive",
      label: "",
      sequence: 0,
      description: `receive at b.ts:${worldRank}`,
    },
  });
const computing = (worldRank: number): MemberStatus =>
  collective(worldRank, {
    state: "computing",
    arrived: { "0,1,2 0": 6 },
    call: { group: "dp", collective: "barrier", label: "epoch", sequence: 3 },
  });

describe("The reason of a wait", () => {
  test("is none while a missing rank computes and there is time", () => {
    expect(explainStall([collective(0), collective(1), computing(2)], 5_000)).toBeUndefined();
  });

  test("is the time limit once it is over, and the missing rank with its last call", () => {
    expect(explainStall([collective(0), collective(1), computing(2)], 3_000)).toEqual({
      kind: "timeout",
      text: 'Timeout in group "tp": rank 0 waited 3 s in allReduce(sum) at a.ts:1 for rank 2. rank 2: computing for 3 s, last call barrier "epoch" number 3 of group "dp". Every rank of a group must make the call within timeoutMs (3000); raise it if the rank needs longer.',
    });
  });

  test("is the end of a rank's program", () => {
    const ended = { ...computing(1), state: "finished" } as const;
    expect(explainStall([collective(0), ended, collective(2)], 5_000)).toMatchObject({
      kind: "finished",
      text: expect.stringContaining(
        'for rank 1, which has ended its program (it made barrier "epoch" number 3',
      ) as string,
    });
  });

  test("is a mismatch where all members of a group are in different calls", () => {
    const other = collective(1, {
      groupKey: "0,1,2 1",
      arrived: { "0,1,2 0": 6, "0,1,2 1": 1 },
      call: {
        group: "dp",
        collective: "barrier",
        label: "",
        sequence: 1,
        description: "barrier() at c.ts:2",
      },
    });
    const first = collective(0, { arrived: { "0,1,2 0": 7, "0,1,2 1": 0 } });
    expect(explainStall([first, other, collective(2)], 5_000)).toEqual({
      kind: "mismatch",
      text: 'Collective mismatch in group "tp": rank 0 called allReduce(sum) at a.ts:1, rank 1 called barrier() at c.ts:2 in group "dp"; all ranks of a group must make the same calls in the same order.',
    });
  });

  test("is a circle of receives", () => {
    expect(explainStall([receive(0, 2), receive(1, 0), receive(2, 1)], 5_000)).toEqual({
      kind: "deadlock",
      text: 'Deadlock: world rank 0 waits for world rank 2 in receive at b.ts:0 of group "pp", world rank 2 waits for world rank 1 in receive at b.ts:2 of group "pp", world rank 1 waits for world rank 0 in receive at b.ts:1 of group "pp"; ranks must not wait for each other in a circle, so order the calls alike on all of them.',
    });
  });

  test("is no circle where all are in the same call", () => {
    expect(explainStall([collective(0), collective(1), collective(2)], 5_000)).toBeUndefined();
  });

  test("is none where a rank has not yet seen that the others came, and went on", () => {
    const ahead = collective(0, {
      call: { group: "tp", collective: "barrier", label: "", sequence: 8 },
      arrived: { "0,1,2 0": 8 },
    });
    expect(explainStall([ahead, collective(1), collective(2)], 5_000)).toBeUndefined();
  });

  test("is none while a message is on its way", () => {
    const sender = { ...receive(1, 0), sent: [1, 0, 0] };
    expect(explainStall([receive(0, 1), sender, computing(2)], 5_000)).toBeUndefined();
  });
});
