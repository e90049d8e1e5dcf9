import { createWorld, type WorldHandle } from "@meshwright/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import golden from "../golden/layers.json" with { type: "json" };
import type program from "./programs/golden-layers.ts";
import type { LayerCase, LayerOutcome } from "./programs/golden-layers.ts";

const PROGRAM = new URL("./programs/golden-layers.ts", import.meta.url);
const CASES = Object.entries(golden.cases);

let world: WorldHandle;
beforeAll(async () => {
  world = await createWorld({ ranks: 4 });
});
afterAll(() => world.close());

describe("MoELayer equals a plain layer in PyTorch: output, losses, all gradients, load and drops", () => {
  // 3 sequences of 5: on two ranks of tokens 8 + 7 rows, on four 4 + 4 + 4 + 3.
  test.each([
    { dp: 1, ep: 1, tp: 1 },
    { dp: 1, ep: 2, tp: 2 },
    { dp: 2, ep: 2, tp: 1 },
  ])("on %j", async (mesh) => {
    const cases = Object.fromEntries(CASES.map(([name, { options }]) => [name, options as LayerCase]));
    const { sizes, phases } = golden;
    const ranks = mesh.dp * mesh.ep * mesh.tp;
    const all = await world.run<typeof program>(PROGRAM, { mesh, sizes, phases, cases }, { ranks });
    for (const outcomes of all) for (const [name] of CASES) expectGolden(name, outcomes[name]!);
  });
});

function expectGolden(name: string, { values, losses, counts, dropped, leaked }: LayerOutcome): void {
  const expected = golden.cases[name as keyof typeof golden.cases];
  const gradients: Record<string, readonly number[]> = expected.gradients;
  const near = (key: string, wanted: readonly number[]): void => {
    const { values: found } = values[key]!;
    expect(found.length, `${name} ${key}`).toBe(wanted.length);
    // PyTorch computed in float64; ours rounds some hundreds of terms to float32 (6e-8 each).
    const largest = Math.max(...wanted.map(Math.abs));
    const difference = Math.max(...wanted.map((value, i) => Math.abs(found[i]! - value)));
    expect(difference / largest, `${name} ${key}`).toBeLessThan(1e-5);
  };
  near("y", expected.y);
  near("x", gradients.x!);
  for (const [path, gradient] of Object.entries(gradients)) {
    if (path !== "x") near(`layer.${path}`, gradient);
  }
  expect(Object.keys(values)).toHaveLength(Object.keys(gradients).length + 1);
  expect(counts, name).toEqual(expected.counts);
  expect(dropped, name).toBe(expected.dropped);
  expect(Object.keys(losses).sort(), name).toEqual(Object.keys(expected.losses).sort());
  for (const [loss, value] of Object.entries(expected.losses)) {
    expect(Math.abs(losses[loss]! / value - 1), `${name} ${loss}`).toBeLessThan(1e-5);
  }
  expect(leaked, name).toBe(0);
}
