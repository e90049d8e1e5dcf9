/**
 * The norm of gradients over mixed placements and meshes.
 *
 * What went wrong elsewhere, without an error: each rank took the norm of its own shards, so that ranks clipped by
 * different factors and replicas drifted apart; gradients of replicated parameters were added once per rank; tensors of
 * two meshes were stacked and only one of them was reduced.
 *
 * See https://github.com/pytorch/torchtitan/issues/596 (each pipeline stage clipped by its own norm) and
 * https://github.com/pytorch/pytorch/issues/180346 (norms of several meshes).
 */
import { launch } from "@meshwright/core";
import { beforeAll, describe, expect, test } from "vitest";
import type program from "../programs/gradient-norm.ts";
import type { NormFacts } from "../programs/gradient-norm.ts";

const PROGRAM = new URL("../programs/gradient-norm.ts", import.meta.url);
const SCALAR_BYTES = 4;

let ranks: readonly Record<"oneMesh" | "partials" | "twoMeshes" | "stages", NormFacts>[];

beforeAll(async () => {
  ranks = await launch<typeof program>(PROGRAM, { ranks: 4 });
});

/** All-reduce of one scalar over each of these groups; `2 S (n - 1) / n` bytes. */
function oneScalarOver(groups: Readonly<Record<string, number>>): unknown {
  return Object.entries(groups).map(([group, size]) => ({
    ...{ group, collective: "allReduce", calls: 1 },
    bytesSent: (2 * SCALAR_BYTES * (size - 1)) / size,
  }));
}

function expectClipped(
  { clipped, norm }: NormFacts,
  dense: Readonly<Record<string, readonly number[]>>,
): void {
  const factor = Math.min(1, 1 / (norm + 1e-6));
  expect(Object.keys(clipped)).toEqual(Object.keys(dense));
  for (const [name, values] of Object.entries(dense)) {
    values.forEach((value, i) => {
      expect(clipped[name]![i]).toBeCloseTo(value * factor, 6);
    });
  }
}

describe("the norm of gradients on 4 ranks", () => {
  test("counts shards of all ranks, and replicas once, with one all-reduce over both axes", () => {
    for (const { oneMesh } of ranks) {
      // (1 + 4 + 9) + 4 + (4 + 1) + 1
      expect(oneMesh.norm).toBeCloseTo(Math.sqrt(24), 6);
      expect(oneMesh.communication).toEqual(oneScalarOver({ "dp+tp": 4 }));
      expectClipped(oneMesh, {
        split: [1, 2, 3],
        "split twice": [1, 1, 1, 1],
        whole: [2, 1],
        "on no mesh": [1],
      });
      expect(oneMesh.leaked).toBe(0);
    }
  });

  test("squares sums, not summands", () => {
    for (const { partials } of ranks) {
      // 4^2 + 3^2, where adding the squares of what ranks hold would give 4 * 1^2 + ...
      expect(partials.norm).toBeCloseTo(5, 6);
      expectClipped(partials, { sum: [4], "sum of splits": [3, 0] });
      expect(partials.leaked).toBe(0);
    }
  });

  test("covers two meshes with one all-reduce", () => {
    for (const { twoMeshes } of ranks) {
      // (1 + 4 + 9) + 5 + 4 + 1
      expect(twoMeshes.norm).toBeCloseTo(Math.sqrt(24), 6);
      expect(twoMeshes.communication).toEqual(oneScalarOver({ world: 4 }));
      expectClipped(twoMeshes, {
        "on mesh": [1, 2, 3],
        "on other": [1, 1, 1, 1, 1],
        "whole on other": [2],
        "on no mesh": [1],
      });
      expect(twoMeshes.leaked).toBe(0);
    }
  });

  test("counts each stage's own gradients, a tied one and one on the whole mesh once", () => {
    // (1 + 4 + 9 + 16) + (0 + 1) + 4 + 1
    for (const { stages } of ranks) {
      expect(stages.norm).toBeCloseTo(6, 6);
      expect(stages.communication).toEqual(oneScalarOver({ world: 4 }));
      expect(stages.leaked).toBe(0);
    }
    expectClipped(ranks[0]!.stages, { "own split": [1, 2], "own whole": [0], tied: [2], "on the mesh": [1] });
    expectClipped(ranks[3]!.stages, { "own split": [3, 4], "own whole": [1], tied: [2], "on the mesh": [1] });
  });
});
