/**
 * Moves between random layouts, for all ranks of a mesh in one thread.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { numElements } from "../layout.ts";
import { Partial, Replicate, Shard, type Placement } from "../placement.ts";
import type { MovedTensor } from "./move-bytes.ts";
import type { Move } from "./move.ts";
import { directPath, planRedistribute } from "./planner.ts";
import { redistributeSteps } from "./steps.ts";
import { allLayouts, arbitraryCase, type MoveCase } from "./test/arbitrary-case.ts";
import { localsOf, playMoves } from "./test/play-ranks.ts";

const valuesOf = ({ shape }: MovedTensor): Float32Array =>
  Float32Array.from({ length: numElements(shape) }, (_, i) => i + 1);

/** Every rank must hold its part; where the goal is partial, its parts must add up. */
function expectArrival(moved: readonly Float32Array[], to: readonly Placement[], tensor: MovedTensor): void {
  const values = valuesOf(tensor);
  const whole = (p: Placement): Placement => (p.kind === "partial" ? Replicate() : p);
  const parts = localsOf(values, to.map(whole), tensor);
  moved.forEach((data, rank) => {
    expect(data.length).toBe(parts[rank]!.length);
  });
  const goal = to.some(({ kind }) => kind === "partial") ? to.map(() => Replicate()) : to;
  const arrived = playMoves(moved, directPath(to, goal), tensor);
  localsOf(values, goal, tensor).forEach((expected, rank) => {
    expected.forEach((value, i) => {
      // Fractions of a sum are rounded.
      expect(arrived[rank]![i]).toBeCloseTo(value, 3);
    });
  });
}

const travel = ({ mesh, tensor, from, to }: MoveCase, path: (one: MoveCase) => readonly Move[]): void => {
  const moves = path({ mesh, tensor, from, to });
  expectArrival(playMoves(localsOf(valuesOf(tensor), from, tensor), moves, tensor), to, tensor);
};

const planned = ({ mesh, tensor: { shape, bytesPerElement }, from, to }: MoveCase): Move[] =>
  planRedistribute(mesh, { shape, bytesPerElement, from, to });

describe("redistribute", () => {
  test("reaches every layout from every layout on 1, 2 and 3 axes, uneven and empty shards included", () => {
    fc.assert(
      fc.property(arbitraryCase({ maxAxes: 3 }), (one) => {
        travel(one, planned);
      }),
      { numRuns: 400 },
    );
  });

  test("reaches every layout one axis at a time", () => {
    fc.assert(
      fc.property(arbitraryCase({ maxAxes: 2 }), (one) => {
        travel(one, ({ from, to }) => directPath(from, to));
      }),
      { numRuns: 200 },
    );
  });

  test("reaches every layout of [5, 3] from every other on { a: 2, b: 3 }", () => {
    const mesh = { axisNames: ["a", "b"], shape: [2, 3] };
    const tensor = { shape: [5, 3], bytesPerElement: 4, meshShape: mesh.shape };
    const layouts = allLayouts(2, [0, 1]);
    for (const from of layouts) for (const to of layouts) travel({ mesh, tensor, from, to }, planned);
  });

  test("reduces maxima and minima over several axes at once", () => {
    const mesh = { axisNames: ["a", "b"], shape: [2, 2] };
    const tensor = { shape: [3], bytesPerElement: 4, meshShape: mesh.shape };
    const locals = [0, 1, 2, 3].map((rank) => Float32Array.of(rank, 5 - rank, rank === 2 ? 9 : 0));
    for (const [op, result] of [
      ["max", [3, 5, 9]],
      ["min", [0, 2, 0]],
    ] as const) {
      const from = [Partial(op), Partial(op)];
      const moves = planned({ mesh, tensor, from, to: [Replicate(), Replicate()] });
      expect(moves.map(({ kind, axes }) => [kind, axes])).toEqual([["allReduce", [0, 1]]]);
      for (const data of playMoves(locals, moves, tensor)) expect([...data]).toEqual(result);
    }
  });

  test("one axis at a time, cuts along an outer axis only while no inner axis cuts the same dim", () => {
    expect(redistributeSteps([Replicate(), Shard(0)], [Shard(0), Shard(0)])).toEqual([
      { axis: 1, from: Shard(0), to: Replicate() },
      { axis: 0, from: Replicate(), to: Shard(0) },
      { axis: 1, from: Replicate(), to: Shard(0) },
    ]);
  });

  test("one axis at a time, shrinks before it grows", () => {
    expect(redistributeSteps([Shard(0), Partial()], [Replicate(), Shard(1)])).toEqual([
      { axis: 1, from: Partial(), to: Shard(1) },
      { axis: 0, from: Shard(0), to: Replicate() },
    ]);
  });
});
