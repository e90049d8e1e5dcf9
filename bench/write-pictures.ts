/**
 * Writes the pictures of `docs/sharding-pictures.md`.
 *
 * `node --import tsx --conditions=@meshwright/source bench/write-pictures.ts`
 *
 * @packageDocumentation
 */
import { writeFile } from "node:fs/promises";
import { defineProgram, GPT, launchHere } from "@meshwright/core";
import {
  createMesh,
  drawModelSvg,
  drawSvg,
  gptPlan,
  parallelize,
  Partial,
  Replicate,
  Shard,
  type DrawableLayout,
  type ParallelSummary,
} from "@meshwright/sharding";

const FOLDER = new URL("../docs/sharding/", import.meta.url);
const square = { axisNames: ["dp", "tp"], shape: [2, 2] };
const dtype = "float32" as const;

const LAYOUTS: Readonly<Record<string, DrawableLayout>> = {
  "two-dims": { shape: [4, 6], dtype, mesh: square, placements: [Shard(0), Shard(1)] },
  partial: { shape: [3, 5], dtype, mesh: square, placements: [Partial(), Shard(1)] },
  replicated: {
    ...{ shape: [7, 9], dtype, mesh: { axisNames: ["dp", "tp"], shape: [2, 4] } },
    placements: [Replicate(), Shard(0)],
  },
  nested: {
    ...{ shape: [10, 6, 4], dtype, mesh: { axisNames: ["dp", "tp"], shape: [2, 3] } },
    placements: [Shard(0), Shard(0)],
  },
  uneven: { shape: [12], dtype, mesh: { axisNames: ["tp"], shape: [5] }, placements: [Shard(0)] },
  "four-dims": {
    ...{ shape: [8, 28, 28, 6], dtype, mesh: { axisNames: ["dp", "cp", "tp"], shape: [2, 2, 2] } },
    placements: [Shard(0), Shard(1), Shard(3)],
  },
};

export default defineProgram(async ({ world }) => {
  const mesh = createMesh(world, { dp: 1, tp: 3 });
  const model = new GPT({
    ...{ vocabSize: 65, contextLength: 32, features: 48, heads: 6, layers: 4, mlpFeatures: 190 },
  });
  const summary: ParallelSummary = parallelize(model, { mesh, plan: gptPlan({ axis: "tp" }) });
  if (world.rank > 0) return;
  const pictures = Object.entries(LAYOUTS).map(([name, layout]) => [name, drawSvg(layout, { id: name })]);
  for (const [name, svg] of [...pictures, ["gpt", drawModelSvg(summary, { id: "gpt" })]]) {
    await writeFile(new URL(`${name!}.svg`, FOLDER), `${svg!}\n`);
  }
});

await launchHere(import.meta, { ranks: 3 });
