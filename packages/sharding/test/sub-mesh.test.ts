import { createWorld, type WorldHandle } from "@meshwright/core";
import { subMesh, type DeviceMesh } from "@meshwright/sharding";
import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from "vitest";
import type program from "./programs/sub-mesh.ts";

const PROGRAM = new URL("./programs/sub-mesh.ts", import.meta.url);

describe("subMesh of 8 ranks", () => {
  let world: WorldHandle;
  beforeAll(async () => {
    world = await createWorld({ ranks: 8 });
  });
  afterAll(() => world.close());

  test("has the other axes, coordinates and groups", async () => {
    const facts = await world.run<typeof program>(PROGRAM, { only: false });
    // Rank = 4 dp + 2 pp + tp.
    expect(facts.map(({ coordinate }) => coordinate.join(""))).toEqual(
      ["00", "01", "00", "01", "10", "11", "10", "11"], // prettier-ignore
    );
    expect(facts[6]).toMatchObject({
      axes: { dp: 2, tp: 2 },
      groups: { dp: [2, 6], tp: [6, 7] },
      isSame: true,
    });
    expect(facts[6]!.local).toEqual([3, 4, 5]);
    facts.forEach(({ sum }, rank) => {
      const stage = (rank >> 1) % 2;
      expect(sum).toEqual([0, 1, 2, 3, 4, 5].map((x) => x * 2 ** (stage + 1)));
    });
    expect(facts[0]!.unknownAxis).toBe(
      'ContractError: subMesh: axis ("xx") must be an axis of the mesh ({ dp: 2, pp: 2, tp: 2 }); use one of "dp", "pp", "tp".',
    );
  });
});

describe("subMesh in checked mode", () => {
  let world: WorldHandle;
  beforeAll(async () => {
    world = await createWorld({ ranks: 4, checked: true });
  });
  afterAll(() => world.close());

  test("of a mesh with one axis keeps it, with size 1", async () => {
    const facts = await world.run<typeof program>(PROGRAM, { only: true });
    facts.forEach(({ axes, coordinate, groups, sum, placements }, rank) => {
      expect({ axes, coordinate, groups }).toEqual({
        axes: { pp: 1 },
        coordinate: [0],
        groups: { pp: [rank] },
      });
      expect(placements).toEqual(["shard"]);
      expect(sum).toEqual([0, 1, 2, 3, 4, 5].map((x) => x * 2 ** (rank + 1)));
    });
  });

  test("compares constants within a stage only", async () => {
    const facts = await world.run<typeof program>(PROGRAM, { only: false });
    expect(facts.map(({ sum }) => sum[1])).toEqual([2, 4, 2, 4]);
  });

  test("finds the rank of a stage that differs", async () => {
    await expect(world.run<typeof program>(PROGRAM, { only: false, wrongRank: 3 })).rejects.toThrow(
      "float32[] on every rank must hold the same bits on ranks 1, 3 (stage), but rank 3 differs from rank 1",
    );
  });
});

test("a misspelt axis does not compile", () => {
  const call = (mesh: DeviceMesh<{ readonly dp: 2; readonly pp: 4 }>) => subMesh(mesh, { without: "pp" });
  expectTypeOf(call).returns.toExtend<DeviceMesh>();
  expectTypeOf<Parameters<typeof subMesh<{ readonly dp: 2; readonly pp: 4 }, "pp">>[1]>().toEqualTypeOf<{
    readonly without: "pp";
  }>();
});
