import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  CheckpointReader,
  createWorld,
  verifyCheckpoint,
  type CheckpointIndex,
  type WorldHandle,
} from "@meshwright/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type program from "./programs/checkpoint.ts";
import type { CheckpointOutcome, CheckpointRun } from "./programs/checkpoint.ts";

const PROGRAM = new URL("./programs/checkpoint.ts", import.meta.url);
type Mesh = CheckpointRun["mesh"];

const root = mkdtempSync(join(tmpdir(), "meshwright-checkpoint-"));
/** Stays warm: a run begins with fresh random numbers and no tensors, as in a new one. */
let warm: WorldHandle;
beforeAll(async () => {
  warm = await createWorld({ ranks: 4, seed: 5 });
});
afterAll(async () => {
  await warm.close();
  rmSync(root, { recursive: true });
});

function ranksOf({ dp = 1, tp = 1 }: Mesh): number {
  return dp * tp;
}

async function runIn(
  world: WorldHandle,
  mesh: Mesh,
  options: Omit<CheckpointRun, "mesh">,
): Promise<CheckpointOutcome[]> {
  return world.run<typeof program>(PROGRAM, { mesh, ...options }, { ranks: ranksOf(mesh) });
}

function runOn(mesh: Mesh, options: Omit<CheckpointRun, "mesh">): Promise<CheckpointOutcome[]> {
  return runIn(warm, mesh, options);
}

async function runInNewWorld(mesh: Mesh, options: Omit<CheckpointRun, "mesh">): Promise<CheckpointOutcome[]> {
  const world = await createWorld({ ranks: ranksOf(mesh), seed: 5 });
  return runIn(world, mesh, options).finally(() => world.close());
}

function indexOf(path: string): CheckpointIndex {
  const reader = new CheckpointReader(path);
  reader.close();
  return reader.index;
}

function numElements(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

/** Both are compared rank by rank. */
function expectResumed(
  straight: CheckpointOutcome[],
  [first, second]: readonly [CheckpointOutcome[], CheckpointOutcome[]],
): void {
  for (const [rank, { losses, hash, draw }] of straight.entries()) {
    expect(losses).toHaveLength(10);
    expect([...first[rank]!.losses, ...second[rank]!.losses]).toEqual(losses);
    expect(second[rank]!.hash).toBe(hash);
    expect(second[rank]!.draw).toBe(draw);
    expect(second[rank]!.loaded).toMatchObject({ step: 5, dataPosition: { next: 5 }, extra: ["note"] });
    expect([first[rank]!.leaked, second[rank]!.leaked]).toEqual([0, 0]);
  }
}

describe.each<Mesh>([{}, { tp: 2 }, { tp: 4 }, { dp: 2, tp: 2 }, { dp: 3 }])(
  "training on %o, saved after 5 steps and resumed",
  (mesh) => {
    const dirOf = (name: string): string => join(root, `${JSON.stringify(mesh)}-${name}`);

    test("with AdamW has the bits of 10 steps without a stop, saved at once or meanwhile", async () => {
      const straight = await runOn(mesh, { dir: dirOf("none"), steps: 10 });
      for (const save of ["now", "async"] as const) {
        const dir = dirOf(save);
        const first = await runOn(mesh, { dir, steps: 5, save });
        const second = await runOn(mesh, { dir, steps: 5, load: true });
        expectResumed(straight, [first, second]);
        // On the mesh that saved, every piece is some rank's part: nothing is read twice.
        for (const { loaded, bytesHeld } of second) {
          expect(loaded!.bytesRead).toMatchObject({ data: bytesHeld, verification: 0 });
        }
        const { bytes } = verifyCheckpoint(dir);
        const written = first.map(({ bytesWritten }) => bytesWritten);
        // Files are equal but for headers and for pieces that cannot be divided.
        expect(Math.max(...written) - Math.min(...written)).toBeLessThan(
          0.2 * (bytes / written.length) + 4000,
        );
      }
    });

    test("with SGD has the bits of 10 steps without a stop", async () => {
      const dir = dirOf("sgd");
      const straight = await runOn(mesh, { dir, optimizer: "sgd", steps: 10 });
      const first = await runOn(mesh, { dir, optimizer: "sgd", steps: 5, save: "now" });
      expectResumed(straight, [first, await runOn(mesh, { dir, optimizer: "sgd", steps: 5, load: true })]);
    });
  },
);

describe.each([1, 2, 3] as const)("training with ZeRO-%i on dp 3, saved and resumed", (zeroStage) => {
  test("has the bits of 10 steps without a stop, and fits a mesh without ZeRO", async () => {
    const [mesh, dir] = [{ dp: 3 }, join(root, `zero-${zeroStage}`)];
    const straight = await runOn(mesh, { dir, zeroStage, steps: 10 });
    const first = await runOn(mesh, { dir, zeroStage, steps: 5, save: "now" });
    const second = await runOn(mesh, { dir, zeroStage, steps: 5, load: true });
    expectResumed(straight, [first, second]);
    for (const { loaded, bytesHeld } of second) expect(loaded!.bytesRead.data).toBe(bytesHeld);
    const [whole] = await runOn({}, { dir, steps: 5, load: true });
    expect(whole!.loadedHash).toBe(first[0]!.hash);
    for (const [step, loss] of whole!.losses.entries()) {
      expect(Math.abs(loss - straight[0]!.losses[5 + step]!)).toBeLessThan(1e-5);
    }
  });
});

test("a new world goes on with the same bits", async () => {
  const [mesh, dir] = [{ tp: 2 }, join(root, "new-world")];
  const straight = await runInNewWorld(mesh, { dir, steps: 10 });
  const first = await runInNewWorld(mesh, { dir, steps: 5, save: "async" });
  expectResumed(straight, [first, await runInNewWorld(mesh, { dir, steps: 5, load: true })]);
});

describe("a training that moves from mesh to mesh", () => {
  const CHAIN: readonly Mesh[] = [{}, { tp: 2 }, { dp: 2, tp: 2 }, { tp: 4 }, { dp: 3 }, {}];
  const dir = join(root, "chain");
  const outcomes: CheckpointOutcome[][] = [];

  beforeAll(async () => {
    for (const [i, mesh] of CHAIN.entries()) {
      outcomes.push(await runOn(mesh, { dir, steps: 4, load: i > 0, save: "now" }));
    }
  });

  test("finds on each the bits that were saved", () => {
    for (let i = 1; i < CHAIN.length; i++) {
      for (const rank of outcomes[i]!) expect(rank.loadedHash).toBe(outcomes[i - 1]![0]!.hash);
    }
  });

  test("has the losses of one that stayed, up to the rounding of reordered sums", async () => {
    const [straight] = await runOn({}, { dir, steps: 4 * CHAIN.length });
    const losses = outcomes.flatMap(([rank0]) => rank0!.losses);
    const differences = straight!.losses.map((loss, step) => Math.abs(loss - losses[step]!));
    expect(Math.max(...differences.slice(0, 10))).toBeLessThan(1e-5);
    expect(Math.max(...differences)).toBeLessThan(1e-4);
  });

  test("reads on each rank the bytes of its parts, and pieces that nobody reads whole once more for their hashes", () => {
    for (let i = 1; i < CHAIN.length; i++) {
      for (const { loaded, bytesHeld } of outcomes[i]!) expect(loaded!.bytesRead.data).toBe(bytesHeld);
    }
    // From 1 to tp 2: the tensors that tp splits, which are those that it saved in two pieces.
    const { tensors } = indexOf(join(dir, "step-00000008"));
    const sizes = Object.values(tensors).flatMap(({ shape, pieces }) =>
      pieces.length === 2 ? [4 * numElements(shape)] : [],
    );
    expect(sizes.length).toBeGreaterThan(60);
    const verification = outcomes[1]!.map(({ loaded }) => loaded!.bytesRead.verification);
    expect(verification.reduce((a, b) => a + b)).toBe(sizes.reduce((a, b) => a + b));
    expect(Math.max(...verification) - Math.min(...verification)).toBeLessThanOrEqual(Math.max(...sizes));
    // From tp 2 to dp 2 x tp 2 every piece is somebody's part.
    expect(outcomes[2]!.map(({ loaded }) => loaded!.bytesRead.verification)).toEqual([0, 0, 0, 0]);
  });

  test("may load parameters only, into a model without values", async () => {
    const [rank0] = await runOn({ dp: 3 }, { dir, steps: 0, initialize: false });
    expect(rank0!.loadedHash).toBe(outcomes.at(-1)![0]!.hash);
    expect(rank0!.loaded!.bytesRead.data).toBe(rank0!.bytesHeld / 3);
  });

  test("holds every tensor once", () => {
    const index = indexOf(dir);
    const total = Object.values(index.tensors).reduce((sum, { shape }) => sum + numElements(shape), 0);
    expect(Object.keys(index.tensors)).toHaveLength(3 * 37);
    expect(verifyCheckpoint(dir).bytes).toBe(4 * total);
    expect(index).toMatchObject({
      step: 24,
      mesh: { dp: 1, tp: 1 },
      optimizer: { kind: "AdamW", numSteps: 24 },
    });
    expect(index.random!.callIndices).toEqual({
      dropout: 24,
      ...Object.fromEntries([0, 1].flatMap((i) => [[`blocks.${i}.dropout`, 48]])),
    });
  });
});
