import { setBackend } from "@tensorflow/tfjs";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { numElements } from "../layout.ts";
import { Replicate, Shard, Partial } from "../placement.ts";
import { seededRandom } from "./dense-value.ts";
import { decide } from "./plan.ts";
import { simulateRanks } from "./simulate-ranks.ts";
import {
  call,
  checkCalls,
  input,
  listed,
  ruleOf,
  seeds,
  shapes,
  type DenseInput,
} from "./test/arbitrary-call.ts";

beforeAll(async () => {
  expect(await setBackend("cpu")).toBe(true);
});

/** Tuples `[lead..., k]` of indices into the first k dims of `shape`. */
function tuples(lead: readonly number[], k: number, shape: readonly number[], seed: number): DenseInput {
  const random = seededRandom(seed);
  const values = Array.from({ length: numElements(lead) * k }, (_, at) =>
    Math.floor(random() * shape[at % k]!),
  );
  return { name: "indices", shape: [...lead, k], dtype: "int32", values };
}

/** A shape, how many of its dims are indexed, and the dims of the tuples. */
const places = fc
  .tuple(shapes(1, 3), fc.nat(2), shapes(1, 2), seeds)
  .map(([shape, draw, lead, seed]) => ({ shape, k: 1 + (draw % shape.length), lead, seed }));

describe("Rules of index tuples", () => {
  test("GatherNd equals dense", () => {
    checkCalls(
      places.map(({ shape, k, lead, seed }) => {
        const dtype = (["float32", "int32", "bool"] as const)[seed % 3]!;
        return call("GatherNd", [input("params", shape, seed, dtype), tuples(lead, k, shape, seed)]);
      }),
      100,
    );
  });

  test("ScatterNd equals dense, with places that are written twice", () => {
    checkCalls(
      places.map(({ shape, k, lead, seed }) =>
        call(
          "ScatterNd",
          [tuples(lead, k, shape, seed), input("updates", [...lead, ...shape.slice(k)], seed)],
          {
            shape,
          },
        ),
      ),
      80,
    );
  });

  test("TensorScatterUpdate equals dense: the last update of a place stays", () => {
    checkCalls(
      places.map(({ shape, k, lead, seed }) => {
        const dtype = (["float32", "int32", "bool"] as const)[seed % 3]!;
        return call("TensorScatterUpdate", [
          input("tensor", shape, seed, dtype),
          tuples(lead, k, shape, seed),
          input("updates", [...lead, ...shape.slice(k)], seed + 1, dtype),
        ]);
      }),
      100,
    );
  });

  test("SparseToDense stays whole", () => {
    const sparse = call(
      "SparseToDense",
      [
        { ...tuples([5], 2, [3, 4], 3), name: "sparseIndices" },
        input("sparseValues", [5], 1),
        input("defaultValue", [], 2),
      ],
      { outputShape: [3, 4] },
    );
    expect(listed(sparse)).toEqual([]);
    const arriving = [[Shard(0)], [Shard(0)], [Partial()]];
    const { outputs } = decide(ruleOf("SparseToDense"), sparse, arriving, { axisNames: ["tp"], shape: [2] });
    expect(outputs).toEqual([[Replicate()]]);
  });

  test("a split table is looked up and written where it is", () => {
    const table = input("params", [4, 5, 6], 1);
    const where = tuples([7], 2, [4, 5], 1);
    expect(listed(call("GatherNd", [table, where]))).toEqual([
      "Replicate(), Shard(0) -> Shard(0)",
      "Shard(2), Replicate() -> Shard(1)",
      ...["sum", "max", "min"].map((op) => `Partial("${op}"), Replicate() -> Partial("${op}")`),
      'Shard(0), Replicate() -> Partial("sum")',
      'Shard(1), Replicate() -> Partial("sum")',
    ]);
    expect(
      listed(call("TensorScatterUpdate", [{ ...table, name: "tensor" }, where, input("updates", [7, 6], 1)])),
    ).toEqual([
      "Shard(0), Replicate(), Replicate() -> Shard(0)",
      "Shard(1), Replicate(), Replicate() -> Shard(1)",
      "Shard(2), Replicate(), Shard(1) -> Shard(2)",
      ...["sum", "max", "min"].map(
        (op) => `Partial("${op}"), Replicate(), Partial("${op}") -> Partial("${op}")`,
      ),
    ]);
    expect(listed(call("ScatterNd", [where, input("updates", [7, 6], 1)], { shape: [4, 5, 6] }))).toEqual([
      'Shard(0), Shard(0) -> Partial("sum")',
      "Replicate(), Shard(1) -> Shard(2)",
      'Replicate(), Partial("sum") -> Partial("sum")',
    ]);
  });

  test("an index outside its dim is an error that names both", () => {
    const table = input("params", [4, 5], 1);
    const where: DenseInput = { name: "indices", shape: [1, 2], dtype: "int32", values: [3, 5] };
    const mesh = { axisNames: ["tp"], shape: [2] };
    const split = { inputs: [[Shard(0)], [Replicate()]], outputs: [[Partial()]] };
    expect(() =>
      simulateRanks(ruleOf("GatherNd"), call("GatherNd", [table, where]), mesh, split, () => 0),
    ).toThrow(
      "GatherNd: index (5) into dim 1 must be in [0, 5) for a tensor of shape [4, 5]; use indices below the sizes of the dims.",
    );
  });
});
