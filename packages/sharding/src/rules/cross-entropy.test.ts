import { startEngine } from "@meshwright/core";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { Replicate, Shard } from "../placement.ts";
import {
  call,
  checkCalls,
  input,
  keyOf,
  listed,
  ruleOf,
  seeds,
  shapes,
  type DenseInput,
} from "./test/arbitrary-call.ts";
import { runDense, simulateRanks, type DenseCall } from "./simulate-ranks.ts";
import { verifyRule } from "./verify-rule.ts";

beforeAll(() => startEngine({ prefer: "cpu" }));

function attrsOf(numClasses: number, options: object = {}): DenseCall["attrs"] {
  return { labelSmoothing: 0, zLoss: 0, ignoreIndex: NaN, firstClass: 0, numClasses, ...options };
}

function labels(shape: readonly number[], numClasses: number, seed: number): DenseInput {
  const count = shape.reduce((product, size) => product * size, 1);
  // Every fifth label is the ignored one.
  const values = Array.from({ length: count }, (_, i) =>
    (seed + i) % 5 === 0 ? -100 : ((seed % 89) + i * 3) % numClasses,
  );
  return { name: "labels", shape, dtype: "int32", values };
}

/** Tokens of any shape, 1 to 9 classes: uneven and empty shards of classes, with all options. */
const batches = fc
  .tuple(
    shapes(1, 2),
    fc.constantFrom(1, 2, 3, 5, 7, 9),
    seeds,
    fc.constantFrom(0, 0.3),
    fc.constantFrom(0, 0.1),
  )
  .map(([tokens, numClasses, seed, labelSmoothing, zLoss]) => ({
    dy: input("dy", tokens, seed),
    logits: input("logits", [...tokens, numClasses], seed),
    labels: labels(tokens, numClasses, seed),
    logSumExp: input("logSumExp", tokens, seed),
    attrs: attrsOf(numClasses, { labelSmoothing, zLoss, ignoreIndex: -100 }),
  }));

describe("Rules of CrossEntropy", () => {
  test("the loss equals dense over split tokens and classes, with smoothing, z-term and ignored tokens", () => {
    checkCalls(
      batches.map(({ logits, labels: wanted, attrs }) => call("CrossEntropy", [logits, wanted], attrs)),
      80,
    );
  });

  test("the gradient equals dense", () => {
    checkCalls(
      batches.map(({ dy, logits, labels: wanted, logSumExp, attrs }) =>
        call("CrossEntropyGrad", [dy, logits, wanted, logSumExp], attrs),
      ),
      80,
    );
  });

  test("large logits in another shard than the label do not overflow", () => {
    const logits = { ...input("logits", [2, 4], 1), values: [1e4, 0, -1e4, 3, 0, 0, 300, 200] };
    const dense = call("CrossEntropy", [logits, labels([2], 4, 1)], attrsOf(4, { labelSmoothing: 0.1 }));
    expect(
      verifyRule(ruleOf("CrossEntropy"), dense, { mesh: { axisNames: ["tp"], shape: [3] } }),
    ).toHaveLength(3);
  });

  test("classes may be split over two axes at once", () => {
    const logits = input("logits", [3, 11], 7);
    const dense = call("CrossEntropy", [logits, labels([3], 11, 2)], attrsOf(11, { ignoreIndex: -100 }));
    const mesh = { axisNames: ["ep", "tp"], shape: [2, 3] };
    const decision = {
      inputs: [
        [Shard(1), Shard(1)],
        [Replicate(), Replicate()],
      ],
      outputs: [
        [Replicate(), Replicate()],
        [Replicate(), Replicate()],
      ],
    };
    const found = simulateRanks(ruleOf("CrossEntropy"), dense, mesh, decision, () => 0.5);
    runDense(dense).forEach(({ values }, i) => {
      Array.from(values).forEach((value, at) => {
        expect(found[i]!.values[at]).toBeCloseTo(value, 5);
      });
    });
  });
});

describe("Strategies of CrossEntropy", () => {
  const logits = input("logits", [2, 3, 5], 1);
  const wanted = labels([2, 3], 5, 1);
  const perToken = (name: string): DenseInput => input(name, [2, 3], 1);

  test("tokens and classes may be split", () => {
    expect(listed(call("CrossEntropy", [logits, wanted], attrsOf(5)))).toEqual([
      "Shard(0), Shard(0) -> Shard(0), Shard(0)",
      "Shard(1), Shard(1) -> Shard(1), Shard(1)",
      "Shard(2), Replicate() -> Replicate(), Replicate()",
    ]);
    const inputs = [perToken("dy"), logits, wanted, perToken("logSumExp")];
    expect(listed(call("CrossEntropyGrad", inputs, attrsOf(5)))).toEqual([
      "Shard(0), Shard(0), Shard(0), Shard(0) -> Shard(0)",
      "Shard(1), Shard(1), Shard(1), Shard(1) -> Shard(1)",
      "Replicate(), Shard(2), Replicate(), Replicate() -> Shard(2)",
    ]);
  });

  test("options are part of the cache key", () => {
    const keys = [{}, { labelSmoothing: 0.1 }, { zLoss: 0.1 }, { ignoreIndex: 0 }].map((options) =>
      keyOf("CrossEntropy", attrsOf(5, options)),
    );
    expect(new Set(keys).size).toBe(4);
  });
});
