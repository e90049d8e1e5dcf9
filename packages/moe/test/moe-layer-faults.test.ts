import { createWorld } from "@meshwright/core";
import { expect, test } from "vitest";
import type program from "./programs/moe-layer-faults.ts";

const PROGRAM = new URL("./programs/moe-layer-faults.ts", import.meta.url);

test("a layer on ranks refuses what is wrong, on all of them, with the layer's name", async () => {
  const world = await createWorld({ ranks: 2 });
  try {
    const ranks = await world.run<typeof program>(PROGRAM, { isLast: false });
    ranks.forEach((messages, rank) => {
      const [own, other] = rank === 0 ? [6, 8] : [8, 6];
      expect(messages).toEqual({
        settings:
          'MoELayer moe:\n- parallel axis ("xp") must be an axis of the mesh ("dp", "ep"); use one of these.\n- numExperts (5) must be a multiple of the ranks of expertAxis "ep" (2); use 6 experts.',
        "axis twice": 'MoELayer moe: parallel axis ("ep") must have one purpose; name it once.',
        "no axis":
          'MoELayer moe: parallel must name an expertAxis, a tensorAxis or dataAxes of the mesh ("dp", "ep"); leave it out on one rank.',
        leaked: "0",
        "unknown mesh":
          'MoELayer moe: parallel (undefined) must name the mesh that splits the tokens (3 of 6 on this rank); use parallel: { mesh, dataAxes: ["dp"] }.',
        "other shape": `exchangeTokenCounts: tokens on rank ${rank} of "ep" (shape [${own}, 4]) must have the shape that they have on rank ${1 - rank} ([${other}, 4]); use a batch of the same global shape on all ranks.`,
      });
    });
    await expect(world.run<typeof program>(PROGRAM, { isLast: true })).rejects.toThrow(
      "rank 1 failed: Router moe.router at step 17: logits (NaN for token 4, expert 0) must be finite",
    );
  } finally {
    await world.close();
  }
});
