import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { MeshGeometry } from "../mesh.ts";
import { formatPlacement, Partial, Replicate, Shard, type Placement } from "../placement.ts";
import type { MovedTensor } from "./move-bytes.ts";
import { moveCost, pathCost } from "./move-cost.ts";
import { moveBetween, type Move } from "./move.ts";
import { directPath, planRedistribute } from "./planner.ts";
import { allLayouts, arbitraryCase } from "./test/arbitrary-case.ts";

const plan = (
  mesh: MeshGeometry,
  shape: readonly number[],
  from: readonly Placement[],
  to: readonly Placement[],
): Move[] => planRedistribute(mesh, { shape, bytesPerElement: 4, from, to });

/** `allGather a+b: R, R` */
const steps = (moves: readonly Move[], { axisNames }: MeshGeometry): string[] =>
  moves.map(
    ({ kind, axes, to }) =>
      `${kind} ${axes.map((axis) => axisNames[axis]!).join("+")}: ${to.map(formatPlacement).join(", ")}`,
  );

/** Whether a move makes an axis partial that shall not be: decision 001, nothing is put off on its own account. */
const putsOff = ({ from, to }: Move, goal: readonly Placement[]): boolean =>
  to.some(
    (p, axis) => p.kind === "partial" && from[axis]!.kind !== "partial" && goal[axis]!.kind !== "partial",
  );

/** Cheapest cost from every layout to `goal`, over every other move that there is: Bellman and Ford. */
function cheapestCosts(
  goal: readonly Placement[],
  edges: readonly { readonly move: Move; readonly cost: number }[],
): Map<string, number> {
  const costs = new Map([[key(goal), 0]]);
  const allowed = edges.filter(({ move }) => !putsOff(move, goal));
  for (let improved = true; improved;) {
    improved = false;
    for (const { move, cost } of allowed) {
      const total = (costs.get(key(move.to)) ?? Infinity) + cost;
      if (total >= (costs.get(key(move.from)) ?? Infinity)) continue;
      costs.set(key(move.from), total);
      improved = true;
    }
  }
  return costs;
}

const key = (layout: readonly Placement[]): string => layout.map(formatPlacement).join(", ");

function expectCheapest(mesh: MeshGeometry, shape: readonly number[]): void {
  const tensor: MovedTensor = { shape, bytesPerElement: 4, meshShape: mesh.shape };
  const layouts = allLayouts(mesh.shape.length, [...shape.keys()]);
  const edges = layouts.flatMap((from) =>
    layouts.flatMap((to) => {
      const move = moveBetween(from, to);
      return move === undefined ? [] : [{ move, cost: moveCost(move, mesh, tensor) }];
    }),
  );
  // On three axes a part of the goals, for time.
  for (const to of layouts.filter((_, i) => layouts.length < 60 || i % 9 === 4)) {
    const costs = cheapestCosts(to, edges);
    for (const from of layouts) {
      const moves = plan(mesh, shape, from, to);
      const what = `${key(from)} to ${key(to)}: ${steps(moves, mesh).join("; ")}`;
      const cost = pathCost(moves, mesh, tensor);
      const cheapest = costs.get(key(from))!;
      // The planner makes no all-to-all that only saves it a local slice, which counts a nanosecond.
      expect(cost, what).toBeLessThanOrEqual(cheapest + mesh.shape.length * 1e-6 + 1e-12);
      expect(cost, what).toBeGreaterThanOrEqual(cheapest * (1 - 1e-9) - 1e-12);
    }
  }
}

const FAST = { bandwidth: 1e11, latencyMs: 0.001 };
const SLOW = { bandwidth: 1e9, latencyMs: 0.02 };

describe("planRedistribute", () => {
  test.each([
    [{ axisNames: ["a", "b"], shape: [2, 2] }, [6, 4]],
    [{ axisNames: ["a", "b"], shape: [2, 2] }, [600, 400]],
    [{ axisNames: ["a", "b"], shape: [2, 3] }, [5, 3]],
    [{ axisNames: ["a", "b"], shape: [2, 3] }, [500, 301]],
    [{ axisNames: ["a", "b"], shape: [2, 3], costs: { a: SLOW, b: FAST } }, [500, 301]],
    [{ axisNames: ["a", "b"], shape: [4, 2], costs: { a: FAST, b: SLOW } }, [500, 3]],
    [{ axisNames: ["a", "b"], shape: [2, 2], costs: { a: SLOW } }, [9, 70, 50]],
    [{ axisNames: ["a", "b", "c"], shape: [2, 2, 2] }, [60, 40]],
    [{ axisNames: ["a", "b", "c"], shape: [2, 2, 2], costs: { a: SLOW, c: FAST } }, [600, 400]],
  ])("finds what an exhaustive search finds, on %j for %j", (mesh, shape) => {
    expectCheapest(mesh, shape);
  });

  test("never costs more than one axis after the other, and always finds the same", () => {
    fc.assert(
      fc.property(arbitraryCase({ maxAxes: 4 }), ({ mesh, tensor, from, to }) => {
        const moves = plan(mesh, tensor.shape, from, to);
        const whole = (placements: readonly Placement[]): Placement[] =>
          placements.map((p, axis) => (mesh.shape[axis] === 1 ? Replicate() : p));
        const direct = directPath(whole(from), whole(to));
        expect(pathCost(moves, mesh, tensor)).toBeLessThanOrEqual(pathCost(direct, mesh, tensor));
        expect(plan(mesh, tensor.shape, from, to)).toEqual(moves);
        // Each move starts where the one before ended.
        let at: readonly Placement[] = whole(from);
        for (const move of moves) {
          expect(move.from).toEqual(at);
          at = move.to;
        }
        expect(at).toEqual(whole(to));
      }),
      { numRuns: 300 },
    );
  });

  const square = { axisNames: ["a", "b"], shape: [2, 2] };

  test.each([
    [
      "two partial axes",
      [Partial(), Partial()],
      [Replicate(), Replicate()],
      ["allReduce a+b: Replicate(), Replicate()"],
    ],
    [
      "two cuts of one dim",
      [Shard(0), Shard(0)],
      [Replicate(), Replicate()],
      ["allGather a+b: Replicate(), Replicate()"],
    ],
    [
      "cuts of two dims",
      [Shard(1), Shard(0)],
      [Replicate(), Replicate()],
      ["allGather a+b: Replicate(), Replicate()"],
    ],
    [
      "partial to cut",
      [Partial(), Partial()],
      [Shard(0), Shard(0)],
      ["reduceScatter a+b: Shard(0), Shard(0)"],
    ],
    [
      "a cut to another axis",
      [Shard(0), Replicate()],
      [Replicate(), Shard(0)],
      ["allToAll a+b: Replicate(), Shard(0)"],
    ],
    ["an outer cut", [Replicate(), Shard(0)], [Shard(0), Shard(0)], ["allToAll a+b: Shard(0), Shard(0)"]],
    ["two slices", [Replicate(), Replicate()], [Shard(0), Shard(0)], ["local a+b: Shard(0), Shard(0)"]],
    ["one axis", [Partial(), Shard(0)], [Shard(1), Shard(0)], ["reduceScatter a: Shard(1), Shard(0)"]],
  ])("makes one collective of two: %s", (_, from, to, expected) => {
    expect(steps(plan(square, [64, 48], from, to), square)).toEqual(expected);
  });

  test("shrinks along the fast axis before it uses the slow one", () => {
    const mesh = { axisNames: ["dp", "tp"], shape: [2, 8], costs: { dp: SLOW, tp: FAST } };
    expect(steps(plan(mesh, [512, 384], [Partial(), Partial()], [Replicate(), Replicate()]), mesh)).toEqual([
      'reduceScatter tp: Partial("sum"), Shard(0)',
      "allReduce dp: Replicate(), Shard(0)",
      "allGather tp: Replicate(), Replicate()",
    ]);
  });

  test("makes one collective of two where latency is all that counts, on unequal axes too", () => {
    const mesh = { axisNames: ["dp", "tp"], shape: [2, 8], costs: { dp: SLOW, tp: FAST } };
    expect(steps(plan(mesh, [3], [Partial(), Partial()], [Replicate(), Replicate()]), mesh)).toEqual([
      "allReduce dp+tp: Replicate(), Replicate()",
    ]);
  });

  test("lets replicas share the work", () => {
    const mesh = { axisNames: ["a", "b"], shape: [2, 4], costs: { b: SLOW } };
    expect(steps(plan(mesh, [512, 384], [Replicate(), Partial()], [Replicate(), Replicate()]), mesh)).toEqual(
      [
        'local a: Shard(0), Partial("sum")',
        "allReduce b: Shard(0), Replicate()",
        "allGather a: Replicate(), Replicate()",
      ],
    );
  });

  test("does not change the order in which unlike values are reduced", () => {
    const from = [Partial("max"), Partial("sum")];
    const to = [Replicate(), Replicate()];
    expect(plan(square, [64], from, to)).toEqual(directPath(from, to));
    expect(steps(plan(square, [64], from, to), square)).toEqual([
      'allReduce a: Replicate(), Partial("sum")',
      "allReduce b: Replicate(), Replicate()",
    ]);
  });

  test("takes no notice of axes of one rank", () => {
    const mesh = { axisNames: ["a", "b"], shape: [1, 2] };
    expect(plan(mesh, [4], [Shard(0), Replicate()], [Partial(), Replicate()])).toEqual([]);
  });

  test("plans for 64 ranks on 4 axes and 6 dims, and beats one axis after the other", () => {
    const mesh = {
      axisNames: ["a", "b", "c", "d"],
      shape: [2, 4, 2, 4],
      costs: { a: SLOW, d: FAST },
    };
    const shape = [8, 9, 10, 11, 12, 13];
    const tensor = { shape, bytesPerElement: 4, meshShape: mesh.shape };
    const from = [Partial(), Partial(), Partial(), Partial()];
    const to = from.map(() => Replicate());
    const ratio =
      pathCost(plan(mesh, shape, from, to), mesh, tensor) / pathCost(directPath(from, to), mesh, tensor);
    expect(ratio).toBeLessThan(0.3);
  });
});
