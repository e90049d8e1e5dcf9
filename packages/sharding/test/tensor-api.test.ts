import { createWorld } from "@meshwright/core";
import { expect, test } from "vitest";
import type program from "./programs/tensor-api.ts";

test("sharded tensors are made, read and moved", async () => {
  const world = await createWorld({ ranks: 4 });
  const ranks = await world
    .run<typeof program>(new URL("./programs/tensor-api.ts", import.meta.url))
    .finally(() => world.close());
  ranks.forEach((facts, rank) => {
    const odd = rank % 2 === 1;
    expect(facts).toEqual({
      placements: { dp: "Replicate()", tp: "Shard(1)" },
      description: `float32[3, 3]: dp Replicate(), tp Shard(1); this rank holds ${odd ? "[3, 1] from [0, 2], 12 bytes" : "[3, 2] from [0, 0], 24 bytes"}`,
      local: {
        values: odd ? Float32Array.of(3, 6, 9) : Float32Array.of(1, 2, 4, 5, 7, 8),
        shape: [3, odd ? 1 : 2],
        dtype: "float32",
        offset: [0, odd ? 2 : 0],
      },
      // Ranks 0 and 2 hold 1 and 3 of element 0, ranks 1 and 3 hold 2 and 4 of element 1.
      fromLocal: [4, 6],
      bool: [1],
      intMin: [7],
      partialOnRank: rank < 2 ? "values" : "zeros",
      full: [1, 2, 3, 4, 5, 6, 7, 8, 9],
      plainPlacements: {},
      gradientPlacement: "Shard(1)",
      gradient: [2, 4, 6, 8, 10, 12, 14, 16, 18],
      leaked: 0,
    });
  });
});
