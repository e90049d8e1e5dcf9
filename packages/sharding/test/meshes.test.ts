import { createWorld, type WorldHandle } from "@meshwright/core";
import type { MeshAxes } from "@meshwright/sharding";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type meshesProgram from "./programs/meshes.ts";
import type { MeshFacts } from "./programs/meshes.ts";

const PROGRAM = new URL("./programs/meshes.ts", import.meta.url);

/** `(A B)^T A`, `A` 0..23 as `[4, 6]`, `B` 0..23 as `[6, 4]`; all intermediate values are exact in float32. */
function denseProduct(): number[] {
  const a = (i: number, k: number): number => 6 * i + k;
  const b = (k: number, j: number): number => 4 * k + j;
  const ab = (i: number, j: number): number =>
    [0, 1, 2, 3, 4, 5].reduce((sum, k) => sum + a(i, k) * b(k, j), 0);
  return [0, 1, 2, 3].flatMap((j) =>
    [0, 1, 2, 3, 4, 5].map((k) => [0, 1, 2, 3].reduce((sum, i) => sum + ab(i, j) * a(i, k), 0)),
  );
}

describe("meshes of 4 ranks", () => {
  let world: WorldHandle;
  let run = 0;

  beforeAll(async () => {
    // Its memory can be counted to the byte.
    world = await createWorld({ ranks: 4, engine: "wasm" });
  });
  afterAll(() => world.close());

  const runOn = async (meshes: readonly MeshAxes[]): Promise<MeshFacts[]> => {
    const kept = run === 0 ? [] : [run, run + 1, run + 2];
    const ranks = await world.run<typeof meshesProgram>(PROGRAM, { meshes, run: run++ });
    for (const rank of ranks) {
      expect(rank.products).toEqual(meshes.map(() => denseProduct()));
      expect(rank.copied).toEqual(Array(24).fill(0));
      expect(rank.kept).toEqual(kept);
    }
    return ranks;
  };

  test("of different shape serve one program, apart", async () => {
    await runOn([{ dp: 2, tp: 2 }, { all: 4 }]);
    await runOn([{ all: 4 }, { tp: 1, dp: 4 }, { tp: 2, pp: 1, dp: 2 }]);
  });

  test("follow each other in a warm world, which does not fill up", async () => {
    const settings: (readonly MeshAxes[])[] = [
      [{ dp: 2, tp: 2 }, { all: 4 }],
      [{ tp: 4 }],
      [{ dp: 4, tp: 1 }],
      // The names of the first mesh, with other sizes.
      [{ dp: 1, tp: 4 }],
    ];
    const memories: MeshFacts[][] = [];
    for (let round = 0; round < 5; round++) {
      for (const meshes of settings) memories.push(await runOn(meshes));
    }
    const [first, last] = [memories.slice(4, 8), memories.slice(-4)];
    const countsOf = (rounds: MeshFacts[][]): unknown =>
      rounds.map((ranks) => ranks.map(({ memory, heapBytes }) => ({ memory, heapBytes })));
    expect(countsOf(last)).toEqual(countsOf(first));
  });
});
