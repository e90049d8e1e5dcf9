import { createWorld, type WorldHandle } from "@meshwright/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { verifyParallel, type Comparison, type MeshAxes } from "@meshwright/sharding";
import type program from "./programs/gpt-twin.ts";
import type { GPTTwinOptions } from "./programs/gpt-twin.ts";

const PROGRAM = new URL("./programs/gpt-twin.ts", import.meta.url);
const MESHES: MeshAxes[] = [{ tp: 2 }, { tp: 4 }, { dp: 2 }, { dp: 3 }, { dp: 2, tp: 2 }];

let world: WorldHandle;
beforeAll(async () => {
  world = await createWorld({ ranks: 4 });
});
afterAll(() => world.close());

function largest(comparisons: readonly Comparison[], only: (name: string) => boolean): number {
  return Math.max(...comparisons.filter(({ name }) => only(name)).map(({ difference }) => difference));
}

/**
 * Softmax cancels a key's bias, so its gradient is zero but for rounding; Adam divides that rounding by its own size,
 * and the bias walks at random on every mesh. Its gradient is compared, its value is not.
 */
const isDetermined = (name: string): boolean => !/^blocks\.\d+\.attention\.key\.bias$/.test(name);

describe("a GPT on several meshes", () => {
  test("has the initial weights of one rank bit for bit, and its gradients", async () => {
    const comparisons = await verifyParallel<Omit<GPTTwinOptions, "mesh">>(PROGRAM, {
      world,
      meshes: MESHES,
      options: { steps: 1, firstGradients: true },
      tolerance: Infinity,
    });
    expect(largest(comparisons, (name) => name === "initialHash")).toBe(0);
    // Reordered float32 sums of at most a few hundred terms; gradients below 1e-3 are compared absolutely.
    const gradients = comparisons.filter(({ name }) => name.startsWith("gradient of "));
    expect(gradients).toHaveLength(MESHES.length * 37);
    expect(largest(gradients, () => true)).toBeLessThan(1e-5);
    expect(largest(comparisons, isDetermined)).toBeLessThan(1e-5);
  });

  test("has the weights of one rank within 1e-5 after 10 steps, with dropout", async () => {
    const comparisons = await verifyParallel<Omit<GPTTwinOptions, "mesh">>(PROGRAM, {
      world,
      meshes: MESHES,
      options: { steps: 10, dropout: 0.2 },
      tolerance: Infinity,
      magnitudeFloor: 1,
    });
    expect(largest(comparisons, isDetermined)).toBeLessThan(1e-5);
  });

  test("has the loss curve of one rank within 1e-4 over 50 steps", async () => {
    const comparisons = await verifyParallel<Omit<GPTTwinOptions, "mesh">>(PROGRAM, {
      world,
      meshes: MESHES,
      options: { steps: 50 },
      tolerance: Infinity,
    });
    expect(largest(comparisons, (name) => name === "losses")).toBeLessThan(1e-4);
  });

  test("on a mesh of one rank is plain tfjs, bit for bit", async () => {
    const [plain] = await world.run<typeof program>(
      PROGRAM,
      {
        mesh: undefined,
        steps: 3,
        firstGradients: true,
      },
      { ranks: 1 },
    );
    const [meshed] = await world.run<typeof program>(
      PROGRAM,
      {
        mesh: { tp: 1 },
        steps: 3,
        firstGradients: true,
      },
      { ranks: 1 },
    );
    expect(meshed).toEqual(plain);
    expect(plain!.losses!.values.at(-1)).toBeLessThan(plain!.losses!.values[0]!);
  });
});
