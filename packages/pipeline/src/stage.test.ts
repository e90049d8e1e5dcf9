import type { Tensor } from "@tensorflow/tfjs";
import { expect, test } from "vitest";
import { moduleLayer, Stage } from "./stage.ts";

test("a stage tells its modules what the losses that they attach count", () => {
  const block = { mlp: { lossScale: 1, apply: (x: Tensor) => x }, apply: (x: Tensor) => x };
  const layers = [moduleLayer("block", block), { name: "head", parameters: new Map(), apply: block.apply }];
  new Stage(0, layers, new Map()).setLossScale(0.25);
  expect(block.mlp.lossScale).toBe(0.25);
});
