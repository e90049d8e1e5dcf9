import { describe, expect, test } from "vitest";
import { latencyBytes } from "../mesh-costs.ts";
import { formatPlacement, Partial, Replicate, Shard, type Placement } from "../placement.ts";
import { decide } from "./plan.ts";
import { call, input, ruleOf } from "./test/arbitrary-call.ts";
import type { Rule } from "./rule.ts";
import type { DenseCall } from "./simulate-ranks.ts";

const tp = { axisNames: ["tp"], shape: [4] };
const grid = { axisNames: ["dp", "tp"], shape: [2, 4] };
const R = Replicate();

function decided(dense: DenseCall, arriving: readonly (readonly Placement[])[], mesh = tp): string {
  const { inputs, outputs } = decide(ruleOf(dense.kernel), dense, arriving, mesh);
  const format = (tensors: readonly (readonly Placement[])[]): string =>
    tensors.map((placements) => placements.map(formatPlacement).join("|")).join(", ");
  return `${format(inputs)} -> ${format(outputs)}`;
}

function product(a: readonly number[], b: readonly number[], transposes = ""): DenseCall {
  return call("BatchMatMul", [input("a", a, 1), input("b", b, 2)], {
    transposeA: transposes.includes("a"),
    transposeB: transposes.includes("b"),
  });
}

describe("decide on one axis", () => {
  test("what is whole stays whole", () => {
    expect(decided(product([8, 4], [4, 12]), [[R], [R]])).toBe("Replicate(), Replicate() -> Replicate()");
  });

  test("Megatron's pair: columns, then contraction, without moving anything", () => {
    expect(decided(product([8, 4], [4, 12]), [[R], [Shard(1)]])).toBe("Replicate(), Shard(1) -> Shard(1)");
    expect(decided(product([8, 12], [12, 4]), [[Shard(1)], [Shard(0)]])).toBe(
      'Shard(1), Shard(0) -> Partial("sum")',
    );
  });

  test("its backward pass: input gradients are partial, weight gradients lie like the weights", () => {
    const dy = product([8, 12], [4, 12], "b");
    expect(decided(dy, [[Shard(1)], [Shard(1)]])).toBe('Shard(1), Shard(1) -> Partial("sum")');
    const dw = product([8, 4], [8, 12], "a");
    expect(decided(dw, [[R], [Shard(1)]])).toBe("Replicate(), Shard(1) -> Shard(1)");
  });

  test("a partial sum is reduced where the kernel is not linear, and passes where it is", () => {
    const gelu = call("Gelu", [input("x", [8, 4], 1)]);
    expect(decided(gelu, [[Partial()]])).toBe("Replicate() -> Replicate()");
    const views = call("Reshape", [input("x", [8, 4], 1)], { shape: [2, 4, 4] });
    expect(decided(views, [[Partial()]])).toBe('Partial("sum") -> Partial("sum")');
  });

  test("adding a whole tensor to a partial one reduces it", () => {
    const add = call("Add", [input("a", [8, 4], 1), input("b", [4], 2)]);
    expect(decided(add, [[Partial()], [R]])).toBe("Replicate(), Replicate() -> Replicate()");
    const twins = call("Add", [input("a", [8, 4], 1), input("b", [8, 4], 2)]);
    expect(decided(twins, [[Partial()], [Partial()]])).toBe(
      'Partial("sum"), Partial("sum") -> Partial("sum")',
    );
  });

  test("adding single elements reduces once, at the end", () => {
    const norms = call(
      "AddN",
      ["0", "1", "2"].map((name) => input(name, [], 1)),
    );
    const P = 'Partial("sum")';
    expect(decided(norms, [[Partial()], [R], [Partial()]])).toBe(`${P}, ${P}, ${P} -> ${P}`);
    expect(decided(norms, [[R], [R], [R]])).toBe("Replicate(), Replicate(), Replicate() -> Replicate()");
    const onGrid = [
      [Partial(), R],
      [R, Partial()],
      [R, R],
    ];
    expect(decided(norms, onGrid, grid)).toBe(`${P}|${P}, ${P}|${P}, ${P}|${P} -> ${P}|${P}`);
  });

  test("the smaller tensor moves", () => {
    const add = call("Add", [input("a", [64, 64], 1), input("b", [64, 1], 2)]);
    expect(decided(add, [[Shard(1)], [Shard(0)]])).toBe("Shard(1), Replicate() -> Shard(1)");
    const slice = call("Add", [input("a", [64, 64], 1), input("b", [64], 2)]);
    expect(decided(slice, [[Shard(1)], [R]])).toBe("Shard(1), Shard(0) -> Shard(1)");
  });
});

describe("decide on a step that communicates", () => {
  const rule = (localBytes: number, localCollectives?: number): Rule => ({
    kernels: ["Own"],
    outputs: ({ inputs }) => [inputs[0]!],
    strategies: () => [
      {
        ...{ inputs: [Shard(0)], outputs: [Shard(0)], localBytes },
        ...(localCollectives === undefined ? {} : { localCollectives }),
      },
    ],
  });
  const chosen = (own: Rule, numRanks: number): Placement => {
    const dense = call("Own", [input("x", [4096], 1)]);
    return decide(own, dense, [[Shard(0)]], { axisNames: ["tp"], shape: [numRanks] }).outputs[0]![0]!;
  };

  test("it loses where it costs more than gathering: 16384 x 3/4 bytes and one collective", () => {
    expect(chosen(rule(12287), 4)).toEqual(Shard(0));
    expect(chosen(rule(12289), 4)).toEqual(R);
  });

  test("every further collective costs its latency", () => {
    const rest = 12288 - latencyBytes({ axisNames: ["tp"] }, 0);
    expect(chosen(rule(rest - 1, 2), 4)).toEqual(Shard(0));
    expect(chosen(rule(rest + 1, 2), 4)).toEqual(R);
  });

  test("what sends nothing costs nothing", () => {
    expect(chosen(rule(0), 4)).toEqual(Shard(0));
  });
});

describe("decide on two axes", () => {
  test("no output becomes partial in two ways", () => {
    const where = { name: "indices", shape: [4], dtype: "int32" as const, values: [1, 0, 3, 2] };
    const lookup = call("GatherV2", [input("x", [4096, 3], 1), where], { axis: 0, batchDims: 0 });
    // Maxima along dp pass; the rows that tp splits would give sums.
    expect(
      decided(
        lookup,
        [
          [Partial("max"), Shard(0)],
          [R, R],
        ],
        grid,
      ),
    ).toMatch(/^Partial\("max"\)\|.* -> Partial\("max"\)\|(Replicate\(\)|Shard\(\d\))$/);
    const sums = [
      [Partial("sum"), Shard(0)],
      [R, R],
    ];
    expect(decided(lookup, sums, grid)).toMatch(/ -> Partial\("sum"\)\|Partial\("sum"\)$/);
  });

  test("data and tensor parallelism combine in one product", () => {
    expect(
      decided(
        product([8, 4], [4, 12]),
        [
          [Shard(0), R],
          [R, Shard(1)],
        ],
        grid,
      ),
    ).toBe("Shard(0)|Replicate(), Replicate()|Shard(1) -> Shard(0)|Shard(1)");
    expect(
      decided(
        product([8, 4], [8, 12], "a"),
        [
          [Shard(0), R],
          [Shard(0), Shard(1)],
        ],
        grid,
      ),
    ).toBe('Shard(0)|Replicate(), Shard(0)|Shard(1) -> Partial("sum")|Shard(1)');
  });

  test("a view keeps a doubly split dim only where both cuts fit", () => {
    const fold = (rows: number): DenseCall =>
      call("Reshape", [input("x", [rows, 3], 1)], { shape: [rows * 3] });
    expect(decided(fold(16), [[Shard(0), Shard(0)]], grid)).toBe("Shard(0)|Shard(0) -> Shard(0)|Shard(0)");
    expect(decided(fold(12), [[Shard(0), Shard(0)]], grid)).toBe(
      "Replicate()|Shard(0) -> Replicate()|Shard(0)",
    );
  });
});
