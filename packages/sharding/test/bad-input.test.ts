import { createWorld, type World, type WorldHandle } from "@meshwright/core";
import {
  ColumnParallelLinear,
  createMesh,
  RowParallelLinear,
  shard,
  Shard,
  type DeviceMesh,
} from "@meshwright/sharding";
import type { Tensor } from "@tensorflow/tfjs";
import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from "vitest";
import type badInput from "./programs/bad-input.ts";
import type disagree from "./programs/disagree.ts";
import type { Disagreement } from "./programs/disagree.ts";

const BAD_INPUT = new URL("./programs/bad-input.ts", import.meta.url);
const DISAGREE = new URL("./programs/disagree.ts", import.meta.url);

/** What is the same on both ranks; `{r}` stands for the rank. */
const ERRORS: Readonly<Record<string, string>> = {
  "no mesh": "placementsOf: a mesh must exist first; call createMesh(world, { tp: world.size }).",
  "mesh of 6 ranks":
    "createMesh: mesh of 6 ranks (dp 2 x tp 3) must have as many ranks as the world (2); use axis sizes whose product is 2, or start 6 ranks.",
  "mesh axis of size 0":
    'createMesh: axis "tp" (0) must be a positive integer; use 1 for an axis without parallelism.',
  "mesh without axes": "createMesh: axes ({}) must name at least one axis; use { tp: 1 }.",
  "sizeOf unknown axis":
    'DeviceMesh.sizeOf: axis ("pt") must be an axis of the mesh ({ tp: 2 }); use one of "tp".',
  "group of unknown axis":
    'DeviceMesh.group: axis ("pt") must be an axis of the mesh ({ tp: 2 }); use one of "tp".',
  "shard on unknown axis": 'shard: axis ("pt") must be an axis of the mesh ({ tp: 2 }); use one of "tp".',
  "redistribute on unknown axis":
    'redistribute: axis ("pt") must be an axis of the mesh ({ tp: 2 }); use one of "tp".',
  "column linear on unknown axis":
    'ColumnParallelLinear: axis ("pt") must be an axis of the mesh ({ tp: 2 }); use one of "tp".',
  "row linear on unknown axis":
    'RowParallelLinear: axis ("pt") must be an axis of the mesh ({ tp: 2 }); use one of "tp".',
  "shard of unknown dim":
    "shard: tp (Shard(2)) must name a dim of the tensor of shape [2, 3]; use a dim from -2 to 1.",
  "shard of fractional dim":
    "shard: tp (Shard(0.5)) must name a dim of the tensor of shape [2, 3]; use a dim from -2 to 1.",
  "3 heads on 2 ranks":
    'ParallelSelfAttention: heads (3) must be a multiple of the ranks on axis "tp" (2); use for example heads: 4, or fewer ranks on the axis.',
  "GPT with 3 heads on 2 ranks":
    'parallelGPT: heads (3) must be a multiple of the ranks on axis "tp" (2); use for example heads: 4, or fewer ranks on the axis.',
  "tensors of two meshes":
    "Add: inputs (float32[2, 3]: tp Shard(0) on { tp: 2 } and float32[2, 3]: dp Replicate(), mp Shard(1) on { dp: 1, mp: 2 }) must share one mesh; use createMesh once and pass it on, or fromLocal(toLocal(full(t)), mesh, { ... }) to copy a tensor over.",
  "shard to another mesh":
    "shard: tensor of shape [2, 3] must be on no mesh or on this one ({ dp: 1, mp: 2 }), but it is on { tp: 2 }; use fromLocal(toLocal(full(t)), mesh, { ... }) to copy it over.",
  "redistribute without mesh":
    "redistribute: tensor of shape [2, 3] must be on a mesh; use shard(t, mesh, { ... }) first.",
  "wrong number of values":
    "fromLocal: values (5 elements) must fill the local shape [2, 3] (6 elements); use the shape of this rank's part, not the global one.",
  "sum of bool":
    'fromLocal: tp (Partial("sum")) must not be used for dtype bool, which has no sum; use Partial("max") for "any" or cast to int32.',
  "split strings":
    "shard: tp (Shard(0)) must not be used for dtype string, which no collective moves; use Replicate().",
  "partial complex numbers":
    'shard: tp (Partial("sum")) must not be used for dtype complex64, which no collective moves; use Replicate().',
  "inner dims 1 and 2":
    "BatchMatMul: inner dims (1 of [3, 1] and 2 of [2, 4]) must be equal; use matching shapes, or transposeA and transposeB.",
  "local strings":
    "toLocal: tensor of dtype string must have a numeric dtype; use t.dataSync(), which every rank holds whole.",
};

let world: WorldHandle;

beforeAll(async () => {
  world = await createWorld({ ranks: 2, engine: "cpu", timeoutMs: 60_000 });
});
afterAll(() => world.close());

test("bad input is an error that says where, what, the rule and the fix, on every rank", async () => {
  const ranks = await world.run<typeof badInput>(BAD_INPUT);
  const expected = Object.fromEntries(
    Object.entries(ERRORS).map(([name, text]) => [name, `ContractError: ${text}`]),
  );
  ranks.forEach((errors, rank) => {
    expect(errors).toEqual({
      ...expected,
      // Rank 0 holds rows 0..2 of 5, rank 1 rows 3..4, so its part is right.
      "wrong local shape":
        rank === 0
          ? "ContractError: fromLocal: local shape [2, 3] must be [3, 3], rank 0's part of [5, 3]; use ceil(n / ranks) per rank, and options.shape where the parts are uneven."
          : "nothing",
      "nothing wrong": "nothing",
    });
  });
});

test("a misspelt axis does not compile", () => {
  const typed = (meshWorld: World, t: Tensor): unknown => {
    const mesh = createMesh(meshWorld, { dp: 2, tp: 2 });
    const linear = { mesh, inFeatures: 2, outFeatures: 3 };
    return [
      // @ts-expect-error "pt" is no axis
      () => mesh.sizeOf("pt"),
      // @ts-expect-error "pt" is no axis
      () => mesh.group("pt"),
      // @ts-expect-error "pt" is no axis
      () => shard(t, mesh, { pt: Shard(0) }),
      // @ts-expect-error "pt" is no axis
      () => new ColumnParallelLinear({ ...linear, axis: "pt" }),
      // @ts-expect-error "pt" is no axis
      () => new RowParallelLinear({ ...linear, axis: "pt" }),
      () => new RowParallelLinear({ ...linear, axis: "tp" }),
      () => shard(t, mesh, { tp: Shard(0) }),
    ];
  };
  expectTypeOf(typed).toBeFunction();
  expectTypeOf<DeviceMesh<{ dp: 2; tp: 2 }>["axes"]>().toEqualTypeOf<{ dp: 2; tp: 2 }>();
});

describe("ranks that disagree", () => {
  test.each<[Disagreement, string, string[]]>([
    [
      "skips and ends",
      "RankFinishedError",
      [
        '"redistribute Shard(0) to Replicate() of float32[4, 4]"',
        "for rank 1, which has ended its program (it made no call)",
      ],
    ],
    [
      "skips and goes on",
      "CollectiveMismatchError",
      [
        '"redistribute Shard(0) to Replicate() of float32[4, 4]"',
        '"redistribute Partial("sum") to Replicate() of float32[]"',
      ],
    ],
    [
      "other shape",
      "CollectiveMismatchError",
      [
        "redistribute Shard(0) to Replicate() of float32[4, 4]",
        "redistribute Shard(0) to Replicate() of float32[6, 4]",
      ],
    ],
  ])("end the run with an error that shows both sides: one %s", async (how, name, texts) => {
    const error: unknown = await world
      .run<typeof disagree>(DISAGREE, { how })
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name });
    for (const text of texts) expect((error as Error).message).toContain(text);
  });
});
