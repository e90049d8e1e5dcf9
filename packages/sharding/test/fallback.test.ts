import { createWorld, type WorldHandle } from "@meshwright/core";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type fallback from "./programs/fallback.ts";
import type { FallbackFacts, Handling } from "./programs/fallback.ts";

/** float32[2, 4, 4, 3] of which channels 0..1 are on rank 0, channel 2 on rank 1: each sends what it holds. */
const SENT_BYTES = [256, 128] as const;

describe("a kernel without a rule", () => {
  let world: WorldHandle;
  const lines: string[] = [];

  beforeAll(async () => {
    world = await createWorld({
      ranks: 2,
      // Its powers have the same bits on every part; TensorFlow computes the tail of an array by other instructions.
      engine: "wasm",
      output: ({ rank, stream, text }) => lines.push(`${rank} ${stream}: ${text}`),
    });
  });
  beforeEach(() => {
    lines.length = 0;
  });
  afterAll(() => world.close());

  const run = async (handling: Handling): Promise<FallbackFacts[]> => {
    const ranks = await world.run<typeof fallback>(new URL("./programs/fallback.ts", import.meta.url), {
      handling,
    });
    for (const { distinct, cubed, dense } of ranks) {
      expect({ distinct, cubed }).toEqual(dense);
      expect(new Set(distinct).size).toBeGreaterThan(3);
    }
    return ranks;
  };

  test("gathers its inputs, and is reported once, by rank 0", async () => {
    const ranks = await run("no rule");
    for (const [rank, { communication, placements, replicated }] of ranks.entries()) {
      const sent = SENT_BYTES[rank]!;
      expect(placements).toEqual(["Replicate()", "Replicate()"]);
      expect(communication).toMatchObject([
        { group: "tp", collective: "allGather", calls: 3, bytesSent: 3 * sent },
      ]);
      expect(replicated).toEqual([
        { kernel: "Unique", bytesSent: 2 * sent },
        { kernel: "Cube", bytesSent: sent },
      ]);
    }
    const gathered = `so its inputs are gathered (${SENT_BYTES[0]} bytes per rank and call) and every rank computes all of it`;
    expect(lines).toEqual([
      `0 stderr: meshwright: kernel "Unique" stays replicated (the shape of the result depends on all values, so no rank can know its part of it), ${gathered}; keep what it takes whole, or small.`,
      `0 stderr: meshwright: kernel "Cube" has no sharding rule, ${gathered}; give it a rule with defineRule.`,
    ]);
  });

  test("is not reported where its inputs are whole anyway", async () => {
    for (const { communication, replicated } of await run("no rule, replicated inputs")) {
      expect(communication).toEqual([]);
      expect(replicated).toEqual([]);
    }
    expect(lines).toEqual([]);
  });

  test("runs split once defineRule gives it a rule", async () => {
    for (const { communication, placements, replicated } of await run("rule")) {
      expect(placements).toEqual(["Shard(3)", "Shard(3)"]);
      expect(communication).toEqual([]);
      expect(replicated).toEqual([]);
    }
    expect(lines).toEqual([]);
  });

  test("is without a rule again in the next run", async () => {
    await run("no rule");
    expect(lines).toHaveLength(2);
  });
});
