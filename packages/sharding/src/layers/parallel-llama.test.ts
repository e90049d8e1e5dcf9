import { ContractError } from "@meshwright/core";
import { expect, test } from "vitest";
import type { DeviceMesh } from "../mesh.ts";
import { parallelGPT } from "./parallel-gpt.ts";
import { parallelLlama } from "./parallel-llama.ts";

const outside = (): never => {
  throw new Error("sizes are checked before anything is built");
};
/** Four ranks on one axis. */
const mesh = {
  ...{ axes: { tp: 4 }, axisNames: ["tp"], shape: [4], coordinate: [0], world: undefined as never },
  ...{ sizeOf: () => 4, group: outside, productGroup: outside, hosts: [] },
} satisfies DeviceMesh;

const AT = { mesh, axis: "tp" } as const;
const SIZES = { vocabSize: 5, contextLength: 4, features: 16, heads: 8, layers: 1 };

test("the ranks must divide query heads, and key and value heads", () => {
  expect(() => parallelLlama({ ...AT, ...SIZES, heads: 6 })).toThrow(
    new ContractError(
      'parallelLlama: heads (6) must be a multiple of the ranks on axis "tp" (4); use for example heads: 8, or fewer ranks on the axis.',
    ),
  );
  expect(() => parallelLlama({ ...AT, ...SIZES, keyValueHeads: 2 })).toThrow(
    new ContractError(
      'parallelLlama: keyValueHeads (2) must be a multiple of the ranks on axis "tp" (4), as a head is not split and not repeated; use at most 2 ranks on the axis, or for example keyValueHeads: 4.',
    ),
  );
});

test("sequence parallelism needs a split vocabulary", () => {
  const form = { sequenceParallel: true, vocabParallel: false };
  for (const [where, build] of [
    ["parallelGPT", parallelGPT],
    ["parallelLlama", parallelLlama],
  ] as const) {
    expect(() => build({ ...AT, ...SIZES, ...form })).toThrow(
      new ContractError(
        `${where}: vocabParallel (false) must be true with sequenceParallel, whose positions the embedding scatters and the head gathers; use vocabParallel: true.`,
      ),
    );
  }
});
