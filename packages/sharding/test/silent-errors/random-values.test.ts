/**
 * A published silent error: random values that depend on the mesh.
 *
 * What went wrong elsewhere, without an error: every rank drew its shard from a generator of the same seed, so that the
 * shards of one weight, or of one dropout mask, were copies of each other; or from a generator of its own, so that
 * replicas differed, and another number of ranks meant another initialisation and another training.
 *
 * See https://github.com/pytorch/pytorch/issues/168058 (values depend on mesh and placement) and
 * https://github.com/pytorch/torchtitan/issues/3106 (all shards alike).
 */
import { createWorld } from "@meshwright/core";
import type { NamedValues } from "@meshwright/sharding";
import { beforeAll, describe, expect, test } from "vitest";
import type program from "../programs/random-values.ts";

const PROGRAM = new URL("../programs/random-values.ts", import.meta.url);

async function drawnOn(mesh: Readonly<Record<"dp" | "tp", number>>): Promise<NamedValues[]> {
  const world = await createWorld({ ranks: mesh.dp * mesh.tp });
  try {
    return await world.run<typeof program>(PROGRAM, { mesh });
  } finally {
    await world.close();
  }
}

let dense: NamedValues;

beforeAll(async () => {
  dense = (await drawnOn({ dp: 1, tp: 1 }))[0]!;
});

/** The values in parts of `width`, as text. */
function parts(values: ArrayLike<number>, width: number): string[] {
  const list = Array.from(values);
  return Array.from({ length: list.length / width }, (_, i) => list.slice(i * width, (i + 1) * width).join());
}

describe.each([
  { dp: 1, tp: 2 },
  { dp: 1, tp: 3 },
  { dp: 2, tp: 2 },
])("random values on %o", (mesh) => {
  test("are the bits of one rank, for weights, dropout, its gradient, noise and samples, however tensors lie", async () => {
    for (const values of await drawnOn(mesh)) {
      expect(Object.keys(values)).toEqual(Object.keys(dense));
      for (const [name, { values: found }] of Object.entries(values)) {
        expect([name, [...found]]).toEqual([name, [...dense[name]!.values]]);
      }
    }
  });
});

describe("random values on one rank", () => {
  test("do not depend on the layout, repeat in no shard, and change from call to call", () => {
    const { values: kept } = dense["kept, whole"]!;
    for (const layout of ["rows", "columns", "both", "nested"]) {
      expect([...dense[`kept, ${layout}`]!.values]).toEqual([...kept]);
    }
    // Rows of 10 elements, 4 of which are dropped: no two are alike.
    expect(new Set(parts(kept, 10)).size).toBe(7);
    expect(new Set(parts(dense["initial up.weight"]!.values, 6)).size).toBe(5);
    expect([...dense["kept in the next call, whole"]!.values]).not.toEqual([...kept]);
    expect([...dense["gradient, whole"]!.values]).toEqual([...kept]);
  });
});
