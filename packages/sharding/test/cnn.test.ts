import { createWorld } from "@meshwright/core";
import { verifyParallel } from "@meshwright/sharding";
import { describe, expect, test } from "vitest";
import type program from "./programs/cnn-communication.ts";
import type { CnnCommunication } from "./programs/cnn.ts";

const MESHES = {
  wasm: [{ dp: 2 }, { tp: 2 }, { dp: 2, tp: 2 }, { dp: 3 }, { tp: 3 }],
  cpu: [{ dp: 2, tp: 2 }],
};

describe("a convolutional classifier", () => {
  test.each(["wasm", "cpu"] as const)("trains as on one rank, on the %s engine", async (engine) => {
    const comparisons = await verifyParallel(new URL("./programs/cnn.ts", import.meta.url), {
      meshes: MESHES[engine],
      engine,
      // Sums over images and channels in another order, through three steps.
      tolerance: 2e-5,
    });
    // Loss, five gradients and five parameters in each of three steps.
    expect(comparisons).toHaveLength(MESHES[engine].length * 3 * 11);
  });

  const communicationOn = async (dp: number, tp: number): Promise<CnnCommunication[]> => {
    const world = await createWorld({ ranks: dp * tp });
    try {
      const file = new URL("./programs/cnn-communication.ts", import.meta.url);
      return await world.run<typeof program>(file, { dp, tp });
    } finally {
      await world.close();
    }
  };

  test("split over the images communicates nothing, and its gradients are partial sums", async () => {
    for (const { forward, backward, placements } of await communicationOn(2, 1)) {
      expect([forward, backward]).toEqual([[], []]);
      expect(new Set(Object.values(placements))).toEqual(new Set(['Partial("sum"), Replicate()']));
    }
  });

  test("split over the filters makes one all-reduce, of what the second convolution gives", async () => {
    const allReduce = { group: "tp", collective: "allReduce", calls: 1, bytesSent: 4 * 5 * 4 * 2 * 4 };
    for (const { forward, backward, placements } of await communicationOn(1, 2)) {
      expect(forward).toEqual([allReduce]);
      expect(backward).toEqual([allReduce]);
      expect(placements).toEqual({
        filter1: "Replicate(), Shard(3)",
        bias1: "Replicate(), Shard(0)",
        filter2: "Replicate(), Shard(2)",
        bias2: "Replicate(), Replicate()",
        dense: "Replicate(), Replicate()",
      });
    }
  });
});
