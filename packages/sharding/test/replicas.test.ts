import { createWorld, type WorldHandle } from "@meshwright/core";
import { afterAll, beforeAll, expect, test } from "vitest";

const PROGRAM = new URL("./programs/replicas.ts", import.meta.url);
let world: WorldHandle;
beforeAll(async () => {
  world = await createWorld({ ranks: 3, checked: true });
});
afterAll(() => world.close());

test("checked mode passes a program whose replicas agree", async () => {
  await world.run(PROGRAM, { wrongRank: undefined });
});

test("checked mode names the first tensor that differs, and the rank", async () => {
  await expect(world.run(PROGRAM, { wrongRank: 1 })).rejects.toThrow(
    "checked mode: a tensor made from values: float32[] on every rank must hold the same bits on ranks 0, 1, 2 (world), but rank 1 differs from rank 0; use the same values and seeds on every rank, or fromLocal for values that are meant to differ.",
  );
});
