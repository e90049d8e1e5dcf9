import { launch } from "@meshwright/core";
import { expect, test } from "vitest";
import type program from "./programs/layer-times.ts";

const PROGRAM = new URL("./programs/layer-times.ts", import.meta.url);

test("measured times are the same on every rank, find the costly layer, and leave nothing behind", async () => {
  const results = await launch<typeof program>(PROGRAM, { ranks: 2, options: undefined });
  for (const { times, leaked, initialized } of results) {
    expect(times).toEqual(results[0]!.times);
    // 512 x 512 against 8 x 512 and 8 x 8: 64 times the arithmetic of its neighbours.
    expect(times.indexOf(Math.max(...times))).toBe(2);
    expect(leaked).toBe(0);
    expect(initialized).toEqual([false, false, false, false]);
  }
  expect(results[0]!.stages.flat()).toEqual(["layer 0", "layer 1", "layer 2", "layer 3"]);
});
