import { createWorld, type LedgerTotal } from "@meshwright/core";
import { expect, test } from "vitest";
import type program from "./programs/routing-communication.ts";

const BYTES = 4;
/** 7 tokens on 2 ranks take the room of 8. */
const PADDED = 8;
const [E, p] = [4, 2];

function total(collective: LedgerTotal["collective"], bytesSent: number, calls = 1): LedgerTotal {
  return { group: "dp", collective, calls, bytesSent };
}

test("a router sends nothing, and a loss at most one [E] and one number", async () => {
  const world = await createWorld({ ranks: p });
  try {
    const [facts] = await world.run<typeof program>(
      new URL("./programs/routing-communication.ts", import.meta.url),
    );
    const { sent, placements } = facts!;
    // 2 S (p - 1) / p.
    const expertBytes = (2 * BYTES * E * (p - 1)) / p;
    expect(sent).toEqual({
      route: [],
      forced: [],
      // The counts; the rest is summed with the loss itself.
      switchLoss: [total("allReduce", expertBytes)],
      switchLossOfCounts: [],
      zLoss: [],
      // One [E], and one number.
      importanceLoss: [total("allReduce", expertBytes + BYTES, 2)],
      // Scores are split over experts for the choice, S (p - 1) / p^2, and gathered for the weights, S (p - 1) / p.
      chooseTokens: [
        total("allToAll", (PADDED * E * BYTES * (p - 1)) / p ** 2),
        total("allGather", (PADDED * E * BYTES * (p - 1)) / p),
      ],
    });
    expect(placements).toEqual({
      experts: "Shard(0)",
      assignment: "Shard(0)",
      weights: "Shard(0)",
      logits: "Shard(0)",
      scores: "Shard(0)",
      "forced experts": "Shard(0)",
      "switchLoss gradient": 'Partial("sum")',
      "switchLossOfCounts gradient": 'Partial("sum")',
      "zLoss gradient": 'Partial("sum")',
      "importanceLoss gradient": 'Partial("sum")',
    });
  } finally {
    await world.close();
  }
});
