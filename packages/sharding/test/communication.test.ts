import { createWorld, type WorldHandle } from "@meshwright/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type program from "./programs/block-communication.ts";

const PROGRAM = new URL("./programs/block-communication.ts", import.meta.url);
const BYTES = 3 * 5 * 8 * 4; // [B T, D] float32

let world: WorldHandle;
beforeAll(async () => {
  world = await createWorld({ ranks: 4 });
});
afterAll(() => world.close());

describe.each([2, 4])("a transformer block on tp = %i", (tp) => {
  test("makes exactly 2 all-reduces forward and 2 backward, each of [B T, D]", async () => {
    const ranks = await world.run<typeof program>(PROGRAM, { mesh: { tp } }, { ranks: tp });
    const sent = (2 * BYTES * (tp - 1)) / tp;
    for (const { forward, whole, sizes } of ranks) {
      expect(forward).toEqual([{ group: "tp", collective: "allReduce", calls: 2, bytesSent: 2 * sent }]);
      expect(whole).toEqual([{ group: "tp", collective: "allReduce", calls: 4, bytesSent: 4 * sent }]);
      expect(sizes).toEqual([BYTES]);
    }
  });
});
