import type { Tensor } from "@tensorflow/tfjs";
import { describe, expect, test } from "vitest";
import type { TapeNode } from "./tape-node.ts";
import { planTape, type TapePlan } from "./tape-plan.ts";

/** A stand-in for a tensor: the plan reads ids and types. */
function tensor(id: number, dtype: Tensor["dtype"] = "float32"): Tensor {
  return { id, dtype } as Tensor;
}

function node(kernelName: string, inputs: Record<string, Tensor>, ...outputs: Tensor[]): TapeNode {
  return { kernelName, inputs, outputs, saved: [] };
}

/** `kernel: first inputs | second inputs`, in the order of the backward pass. */
function summary({ steps, dropped }: TapePlan): { steps: string[]; dropped: string[] } {
  return {
    steps: steps.map(({ node, first, second }) => `${node.kernelName}: ${first.join()} | ${second.join()}`),
    dropped: dropped.map(({ kernelName }) => kernelName),
  };
}

const [x, w, h, y, unused, transposed, masked] = [1, 2, 3, 4, 5, 6, 7].map((id) => tensor(id)) as [
  Tensor,
  Tensor,
  Tensor,
  Tensor,
  Tensor,
  Tensor,
  Tensor,
];

describe("the plan of a backward pass", () => {
  test("takes what depends on an input first, and what depends on parameters alone second", () => {
    const tape = [
      node("Transpose", { x: w }, transposed),
      node("MatMul", { a: x, b: transposed }, h),
      node("Exp", { x: h }, unused),
      node("Mul", { a: h, b: w }, y),
    ];
    expect(summary(planTape(tape, { first: [x], second: [w], output: y }))).toEqual({
      steps: ["Mul: a | b", "MatMul: a | b", "Transpose:  | x"],
      dropped: ["Exp"],
    });
  });

  test("leaves out what nobody asks for", () => {
    const tape = [node("MatMul", { a: x, b: w }, h), node("Mul", { a: h, b: masked }, y)];
    const leaves = { second: [], output: y };
    expect(summary(planTape(tape, { ...leaves, first: [x] })).steps).toEqual(["Mul: a | ", "MatMul: a | "]);
    expect(summary(planTape(tape, { ...leaves, first: [masked] }))).toEqual({
      steps: ["Mul: b | "],
      dropped: ["MatMul"],
    });
    expect(summary(planTape(tape, { ...leaves, first: [unused] }))).toEqual({
      steps: [],
      dropped: ["Mul", "MatMul"],
    });
  });

  test("stops at integers", () => {
    const index = tensor(8, "int32");
    const tape = [node("ArgMax", { x }, index), node("GatherV2", { x: w, indices: index }, y)];
    expect(summary(planTape(tape, { first: [x], second: [w], output: y }))).toEqual({
      steps: ["GatherV2:  | x"],
      dropped: ["ArgMax"],
    });
  });

  test("follows one of several outputs", () => {
    const tape = [node("Split", { x }, h, unused), node("Neg", { x: h }, y)];
    expect(summary(planTape(tape, { first: [x], second: [], output: y })).steps).toEqual([
      "Neg: x | ",
      "Split: x | ",
    ]);
  });

  test("has no steps where the output is a leaf", () => {
    const tape = [node("Exp", { x }, h)];
    expect(summary(planTape(tape, { first: [x], second: [], output: x }))).toEqual({
      steps: [],
      dropped: ["Exp"],
    });
  });
});
