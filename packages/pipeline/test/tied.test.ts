import { createWorld, type WorldHandle } from "@meshwright/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type program from "./programs/tied.ts";
import type { TiedCase, TiedResult } from "./programs/tied.ts";

const PROGRAM = new URL("./programs/tied.ts", import.meta.url);
const MESHES = [
  { dp: 1, pp: 2 },
  { dp: 1, pp: 4 },
  { dp: 2, pp: 2 },
] as const;

let world: WorldHandle;
let dense: TiedResult;
beforeAll(async () => {
  world = await createWorld({ ranks: 4 });
  const whole: TiedCase = {
    how: "whole",
    mesh: { dp: 1, pp: 1 },
    schedule: { name: "gpipe", numMicroBatches: 1 },
  };
  [dense] = (await world.run<typeof program>(PROGRAM, whole, { ranks: 1 })) as [TiedResult];
});
afterAll(() => world.close());

function expectNear(actual: Float32Array, expected: Float32Array): void {
  expect(actual).toHaveLength(expected.length);
  actual.forEach((value, i) => {
    // Reordered float32 sums.
    expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-5);
  });
}

/** `last.table` is called `first.table` in the whole model. */
function expectTwin(results: readonly TiedResult[]): void {
  for (const { losses, gradients, weights, norm } of results) {
    expectNear(Float32Array.from(losses), Float32Array.from(dense.losses));
    expect(norm).toBeCloseTo(dense.norm, 5);
    for (const [name, values] of Object.entries(gradients)) {
      expectNear(values, dense.gradients[name.replace("last", "first")]!);
    }
    for (const [name, values] of Object.entries(weights)) {
      expectNear(values, dense.weights[name.replace("last", "first")]!);
    }
  }
  const tables = results.flatMap(({ weights }) =>
    ["first.table", "last.table"].flatMap((name) => (weights[name] ? [weights[name]] : [])),
  );
  expect(tables.length).toBeGreaterThan(1);
  for (const table of tables) expect(table).toEqual(tables[0]);
}

describe.each(MESHES)("a table that first and last layer use, on %o", (mesh) => {
  test.each([
    ["shared", "1f1b", 3],
    ["by name", "1f1b", 2],
    ["by name", "gpipe", 5],
    ["by name", "zb-h1", 4],
  ] as const)("%s in %s with %i micro-batches, learns as on one rank", async (how, name, numMicroBatches) => {
    const options = { how, mesh, schedule: { name, numMicroBatches } };
    expectTwin(await world.run<typeof program>(PROGRAM, options, { ranks: mesh.dp * mesh.pp }));
  });
});

describe("a table whose two stages are on one rank", () => {
  test("of ZBV learns as on one rank, by name", async () => {
    const schedule = { name: "zbv", numMicroBatches: 3 };
    expectTwin(
      await world.run<typeof program>(
        PROGRAM,
        { how: "by name", mesh: { dp: 1, pp: 2 }, schedule },
        { ranks: 2 },
      ),
    );
  });
});
