import { createWorld } from "@meshwright/core";
import { expect, test } from "vitest";
import type program from "./programs/own-collective.ts";

const PROGRAM = new URL("./programs/own-collective.ts", import.meta.url);
const NOTHING = { numTensors: 0, numDataBuffers: 0, numDataIds: 0, numEngineDataIds: 0, liveBytes: 0 };

test("a rule's own collective runs on every rank, the one whose shard is empty included", async () => {
  const world = await createWorld({ ranks: 4 });
  try {
    const ranks = await world.run<typeof program>(PROGRAM);
    const total = (24575 * 24576) / 2;
    expect(ranks.map(({ localShape }) => localShape)).toEqual([
      [8192, 1],
      [8192, 1],
      [8192, 1],
      [8192, 0],
    ]);
    for (const { values, placement, totals, leaked } of ranks) {
      values.forEach((value, at) => {
        // A running float32 sum of 8192 terms: 24 bits less its 13.
        expect(Math.abs((value * total) / (24570 + at) - 1)).toBeLessThan(2 ** -11);
      });
      expect(placement).toBe("Shard(1)");
      expect(totals).toEqual([
        { group: "tp", collective: "allReduce", calls: 1, bytesSent: 2 * 4 * (3 / 4) },
      ]);
      expect(leaked).toEqual(NOTHING);
    }
  } finally {
    await world.close();
  }
});
