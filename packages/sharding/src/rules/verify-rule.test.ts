import { memory, setBackend } from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { Partial, Replicate, Shard } from "../placement.ts";
import type { AxisStrategy, Rule } from "./rule.ts";
import type { DenseCall } from "./simulate-ranks.ts";
import { verifyDecision, verifyRule } from "./verify-rule.ts";
import { call, input, ruleOf } from "./test/arbitrary-call.ts";

beforeAll(async () => {
  expect(await setBackend("cpu")).toBe(true);
});

const tp2 = { axisNames: ["tp"], shape: [2] };
const x = { name: "x", shape: [2, 3], dtype: "float32" as const, values: [1, 2, 3, 4, 5, 6] };
const square: DenseCall = { kernel: "Square", inputs: [x], attrs: {} };

function rule(strategy: AxisStrategy, changes: { readonly [Key in keyof Rule]?: Rule[Key] } = {}): Rule {
  return {
    kernels: ["Square"],
    outputs: (dense) => [{ shape: dense.inputs[0]!.shape, dtype: "float32" }],
    strategies: () => [strategy],
    ...changes,
  };
}

describe("verifyRule", () => {
  test("returns every combination of strategies that it tried", () => {
    const decisions = verifyRule(rule({ inputs: [Shard(1)], outputs: [Shard(1)] }), square, { mesh: tp2 });
    expect(decisions).toEqual([
      { inputs: [[Replicate()]], outputs: [[Replicate()]] },
      { inputs: [[Shard(1)]], outputs: [[Shard(1)]] },
    ]);
    const mesh = { axisNames: ["dp", "tp"], shape: [2, 3] };
    expect(verifyRule(ruleOf("Square"), square, { mesh })).toHaveLength(9);
  });

  test("leaves no tensor behind, on success and on failure", () => {
    const before = memory().numTensors;
    verifyRule(ruleOf("Mean"), call("Mean", [x], { axis: 1, keepDims: false }), { mesh: tp2 });
    expect(() =>
      verifyRule(rule({ inputs: [Shard(1)], outputs: [Shard(0)] }), square, { mesh: tp2 }),
    ).toThrow();
    expect(memory().numTensors).toBe(before);
  });

  test("finds a kernel that is not linear in a partial input", () => {
    const wrong = rule({ inputs: [Partial()], outputs: [Partial()] });
    expect(() => verifyRule(wrong, square, { mesh: tp2 })).toThrow(
      /^verifyRule: Square \(tp: x Partial\("sum"\) -> Partial\("sum"\)\): output 0 element 0 \(-?\d+\) must equal the plain kernel's \(1\); correct the strategy\.$/,
    );
  });

  test("finds an output that lies otherwise than the rule says", () => {
    expect(() =>
      verifyRule(rule({ inputs: [Shard(1)], outputs: [Shard(0)] }), square, { mesh: tp2 }),
    ).toThrow(
      "verifyRule: Square (tp: x Shard(1) -> Shard(0)): rank 0 holds float32[2, 2] but must hold float32[1, 3]; correct the strategy.",
    );
    expect(() =>
      verifyRule(rule({ inputs: [Shard(0)], outputs: [Replicate()] }), square, { mesh: tp2 }),
    ).toThrow("rank 0 holds float32[1, 3] but must hold float32[2, 3]");
  });

  test("finds replicas that differ", () => {
    const wrong = rule(
      { inputs: [Shard(0)], outputs: [Replicate()] },
      {
        local: (kernels, [local]) => kernels.run("Tile", { x: local! }, { reps: [2 / local!.shape[0]!, 1] }),
      },
    );
    expect(() => verifyRule(wrong, { ...square, kernel: "Identity" }, { mesh: tp2 })).toThrow(
      "verifyRule: Identity (tp: x Shard(0) -> Replicate()): ranks 0 and 1 hold replicas whose element 0 is 1 and 4; correct the strategy.",
    );
  });

  test("finds a wrong output shape and a strategy that does not fit the call", () => {
    const flat = rule(
      { inputs: [Shard(0)], outputs: [Shard(0)] },
      { outputs: () => [{ shape: [6], dtype: "float32" }] },
    );
    expect(() => verifyRule(flat, square, { mesh: tp2 })).toThrow(
      "verifyRule: Square: the rule's outputs (float32[6]) must be those of the plain kernel (float32[2, 3]); correct outputs().",
    );
    expect(() => verifyRule(rule({ inputs: [], outputs: [Shard(0)] }), square, { mesh: tp2 })).toThrow(
      "verifyRule: Square: a strategy's input placements (0) must be one per input (1); use Replicate() for inputs that stay whole.",
    );
    expect(() =>
      verifyRule(rule({ inputs: [Shard(2)], outputs: [Shard(0)] }), square, { mesh: tp2 }),
    ).toThrow(
      "verifyRule: Square: the placement of input 0 (Shard(2)) must split one of its 2 dims; use a dim counted from the front.",
    );
  });

  test("finds a wrong value for an empty shard", () => {
    const negative = { name: "x", shape: [3], dtype: "float32" as const, values: [-1, -2, -3] };
    const max = call("Max", [negative], { reductionIndices: [0], keepDims: false });
    const mesh = { axisNames: ["tp"], shape: [4] };
    expect(verifyRule(ruleOf("Max"), max, { mesh })).toHaveLength(3);
    expect(() => verifyRule({ ...ruleOf("Max"), emptyValue: 0 }, max, { mesh })).toThrow(
      "output 0 element 0 (0) must equal the plain kernel's (-1)",
    );
  });
});

describe("verifyRule of a rule that communicates", () => {
  const rows = {
    name: "x",
    shape: [3, 5],
    dtype: "float32" as const,
    values: Array.from({ length: 15 }, (_, i) => i),
  };
  const sum = call("Sum", [rows], { axis: [1], keepDims: false });
  /** Sums over dim 1, which is split, and reduces at once instead of giving a partial result. */
  const eager: Rule = {
    kernels: ["Sum"],
    outputs: () => [{ shape: [3], dtype: "float32" }],
    strategies: () => [{ inputs: [Shard(1)], outputs: [Replicate()], localBytes: 12 }],
    local: (kernels, [local], { groups, inputs: [layout] }) => [
      kernels.create([3], "float32", (out) => {
        const values = kernels.view(local!);
        const width = layout!.localShape[1]!;
        out.fill(0);
        values.forEach((value, at) => (out[Math.floor(at / width)]! += value));
        layout!.placements.forEach(({ kind }, axis) => {
          if (kind === "shard") groups[axis]!.allReduce(out);
        });
      }),
    ],
    communicates: true,
  };
  const mesh = { axisNames: ["dp", "tp"], shape: [2, 4] };

  test("plays the collectives, on ranks with empty shards too", () => {
    // Both, one or none of the axes cut the dim; of 5 columns, dp leaves 3 + 2 and tp leaves 2 + 2 + 1 + 0.
    expect(verifyRule(eager, sum, { mesh })).toHaveLength(4);
  });

  test("runs the plain kernel where the rule says that it does", () => {
    const never = (): never => {
      throw new Error("local ran");
    };
    const plain = { ...eager, local: never, isPlain: () => true };
    expect(() => verifyRule(plain, sum, { mesh })).toThrow("hold replicas whose element 0 is");
    expect(() => verifyRule({ ...plain, isPlain: () => false }, sum, { mesh })).toThrow("local ran");
  });

  test("finds a rank that does not take part", () => {
    const shy: Rule = {
      ...eager,
      local: (kernels, inputs, local) =>
        local.inputs[0]!.localShape[1] === 0
          ? [kernels.create([3], "float32")]
          : eager.local!(kernels, inputs, local),
    };
    expect(() => verifyRule(shy, sum, { mesh })).toThrow(
      /must make the same collectives, but rank \d waits in allReduce\(sum, float32\[3\]\) of group "tp"/,
    );
  });
});

describe("verifyDecision", () => {
  test("runs what the planner chooses", () => {
    const a = input("a", [4, 6], 1);
    const b = input("b", [6, 2], 2);
    const product = call("BatchMatMul", [a, b], { transposeA: false, transposeB: false });
    const mesh = { axisNames: ["dp", "tp"], shape: [2, 2] };
    const arriving = [
      [Shard(0), Shard(1)],
      [Replicate(), Shard(0)],
    ];
    expect(verifyDecision(ruleOf("BatchMatMul"), product, arriving, { mesh })).toEqual({
      inputs: arriving,
      outputs: [[Shard(0), Partial("sum")]],
    });
  });
});
