/**
 * A published silent error: a view of a split dim.
 *
 * What went wrong elsewhere, without an error: flattening `[B, T]` split over T laid the ranks' pieces one behind the
 * other, which is not the order of the elements; so did a view of dims that the ranks do not divide evenly; and halving
 * a fused projection took the first *ranks'* columns for the first half of the columns.
 *
 * See https://github.com/pytorch/pytorch/pull/179509 (split after flatten) and
 * https://github.com/pytorch/pytorch/pull/186282 (one dim split by two axes).
 */
import { createWorld } from "@meshwright/core";
import { Shard, type Placement } from "@meshwright/sharding";
import { describe, expect, test } from "vitest";
import type program from "../programs/split-views.ts";
import type { ViewCase, ViewFacts } from "../programs/split-views.ts";

const PROGRAM = new URL("../programs/split-views.ts", import.meta.url);

async function viewOn(
  mesh: Readonly<Record<string, number>>,
  cases: readonly ViewCase[],
): Promise<ViewFacts[][]> {
  const ranks = Object.values(mesh).reduce((a, b) => a * b, 1);
  const world = await createWorld({ ranks });
  try {
    return await world.run<typeof program>(PROGRAM, { mesh, cases });
  } finally {
    await world.close();
  }
}

const range = (size: number): number[] => Array.from({ length: size }, (_, i) => i);

/** What `[S, 3 D]` holds in the order `[3, S, D]`. */
function piecesOf([rows, width]: readonly [number, number]): number[] {
  const third = width / 3;
  return range(3).flatMap((piece) =>
    range(rows).flatMap((row) => range(third).map((i) => row * width + piece * third + i)),
  );
}

/** The elements of `whole` in the box of `shape` at `offset`. */
function boxOf(
  whole: readonly number[],
  wholeShape: readonly number[],
  { shape, offset }: ViewFacts["local"],
): number[] {
  const size = shape.reduce((a, b) => a * b, 1);
  return range(size).map((at) => {
    let rest = at;
    let index = 0;
    let stride = 1;
    for (let dim = shape.length - 1; dim >= 0; dim--) {
      index += ((rest % shape[dim]!) + offset[dim]!) * stride;
      rest = Math.floor(rest / shape[dim]!);
      stride *= wholeShape[dim]!;
    }
    return whole[index]!;
  });
}

const SHAPE = [4, 6, 5];
const VIEWS = [
  [24, 5],
  [4, 30],
  [120],
  [2, 2, 6, 5],
  [4, 2, 3, 5],
  [4, 3, 2, 5],
  [8, 15],
  [5, 6, 4],
  [1, 4, 6, 5],
];

/** Every way to split the dims of `[4, 6, 5]` over the axes, each under every view. */
function casesFor(axes: readonly string[]): ViewCase[] {
  const ways = axes.reduce<Readonly<Record<string, Placement>>[]>(
    (begun, axis) =>
      begun.flatMap((placements) => range(3).map((dim) => ({ ...placements, [axis]: Shard(dim) }))),
    [{}],
  );
  return ways.flatMap((placements) => VIEWS.map((view) => ({ shape: SHAPE, placements, view })));
}

describe.each([{ tp: 2 }, { tp: 4 }, { dp: 2, tp: 2 }])("views of split dims on %o", (mesh) => {
  test("keep the order of the elements, on every rank, forward and backward", async () => {
    const cases = casesFor(Object.keys(mesh));
    for (const ranks of await viewOn(mesh, cases)) {
      ranks.forEach(({ value, gradient, shape, local }, i) => {
        const what = JSON.stringify(cases[i]);
        expect([what, shape]).toEqual([what, cases[i]!.view]);
        expect([what, value]).toEqual([what, range(120)]);
        expect([what, gradient]).toEqual([what, range(120)]);
        expect([what, local.values]).toEqual([what, boxOf(range(120), shape, local)]);
      });
    }
  });
});

describe("views of split dims on 2 ranks", () => {
  test("are free where every rank's elements stay together, and communicate where they do not", async () => {
    const placements = (dim: number): ViewCase["placements"] => ({ tp: Shard(dim) });
    const free: ViewCase[] = [
      { shape: [4, 6], placements: placements(0), view: [24] },
      { shape: [24], placements: placements(0), view: [4, 6] },
      { shape: [4, 6], placements: placements(1), view: [2, 2, 6] },
    ];
    const moved: ViewCase[] = [
      // Each rank has half of every row: flat, that is no contiguous part.
      { shape: [4, 6], placements: placements(1), view: [24] },
      // 3 rows are cut 2 + 1, 18 elements 9 + 9.
      { shape: [3, 6], placements: placements(0), view: [18] },
    ];
    for (const ranks of await viewOn({ tp: 2 }, [...free, ...moved])) {
      expect(ranks.map(({ collectives }) => collectives.length)).toEqual([0, 0, 0, 1, 1]);
      expect(ranks.slice(0, 3).map(({ placements: found }) => found)).toEqual([
        ["Shard(0)"],
        ["Shard(0)"],
        ["Shard(2)"],
      ]);
      for (const { value } of ranks) expect(value).toEqual(range(value.length));
    }
  });

  test("the parts of a fused projection are its columns in order, not the ranks'", async () => {
    const fused: ViewCase[] = [6, 9, 15].map((width) => ({
      shape: [4, width],
      placements: { tp: Shard(1) },
      view: "pieces",
    }));
    for (const mesh of [{ tp: 2 }, { tp: 4 }]) {
      for (const ranks of await viewOn(mesh, fused)) {
        ranks.forEach(({ value, gradient, local, shape }, i) => {
          const wanted = piecesOf([4, fused[i]!.shape[1]!]);
          expect(value).toEqual(wanted);
          expect(local.values).toEqual(boxOf(wanted, shape, local));
          // Element `wanted[k]` of the input is element k of the view, and has weight k.
          expect(wanted.map((at) => gradient[at])).toEqual(range(wanted.length));
        });
      }
    }
  });
});
