import { GPT, namedParameters } from "@meshwright/core";
import { describe, expect, expectTypeOf, test } from "vitest";
import type { DeviceMesh } from "../mesh.ts";
import { formatPlacement, Replicate, Shard } from "../placement.ts";
import { dataParallelPlan } from "./data-parallel-plan.ts";
import { gptPlan } from "./gpt-plan.ts";
import type { ParallelizeOptions } from "./parallelize.ts";
import { resolvePlan } from "./resolve-plan.ts";

const model = new GPT({ vocabSize: 11, contextLength: 5, features: 6, heads: 3, layers: 2, mlpFeatures: 10 });
const subject = {
  where: "parallelize",
  mesh: { axisNames: ["dp", "tp"], shape: [2, 3] },
  parameters: [...namedParameters(model)].map(([name, { shape }]) => ({ name, shape })),
  modules: new Map<string, object>(
    model.blocks.map((block, i) => [`blocks.${i}.attention`, block.attention]),
  ),
};

describe("ready plans", () => {
  test("gptPlan splits heads, hidden features and vocabulary, and nothing along other axes", () => {
    const { parameters, modules } = resolvePlan(gptPlan({ axis: "tp" }), subject);
    const split = parameters.filter(({ placements }) => placements[1]!.kind === "shard");
    const blocks = split.filter(({ name }) => name.startsWith("blocks."));
    expect(split).toHaveLength(blocks.length + 2);
    expect(split[0]).toMatchObject({ name: "tokenEmbedding.weight", placements: [Replicate(), Shard(0)] });
    expect(split.at(-1)).toMatchObject({ name: "head.weight", placements: [Replicate(), Shard(1)] });
    expect(blocks.map(({ name, placements }) => `${name} ${formatPlacement(placements[1]!)}`)).toEqual(
      [0, 1].flatMap((i) => [
        ...["query", "key", "value"].flatMap((projection) => [
          `blocks.${i}.attention.${projection}.weight Shard(1)`,
          `blocks.${i}.attention.${projection}.bias Shard(0)`,
        ]),
        `blocks.${i}.attention.out.weight Shard(0)`,
        `blocks.${i}.mlp.up.weight Shard(1)`,
        `blocks.${i}.mlp.up.bias Shard(0)`,
        `blocks.${i}.mlp.down.weight Shard(0)`,
      ]),
    );
    expect(parameters.every(({ placements }) => placements[0]!.kind === "replicate")).toBe(true);
    expect(modules).toEqual([]);
  });

  test("dataParallelPlan splits nothing", () => {
    const { parameters } = resolvePlan(dataParallelPlan(), subject);
    expect(parameters).toHaveLength(37);
    expect(parameters.every(({ placements }) => placements.every(({ kind }) => kind === "replicate"))).toBe(
      true,
    );
  });

  test("a plan fits every mesh with its axes, and a misspelt axis does not compile", () => {
    type Options = ParallelizeOptions<{ readonly dp: 2; readonly tp: 3 }>;
    expectTypeOf<Options["mesh"]>().toEqualTypeOf<DeviceMesh<{ readonly dp: 2; readonly tp: 3 }>>();
    const plans: Options["plan"][] = [
      { ...gptPlan({ axis: "tp" }), ...dataParallelPlan(), "head.weight": { dp: Shard(0), tp: Shard(1) } },
      { "blocks.*": { input: { tp: Replicate() }, divisible: { heads: "tp" } } },
      // @ts-expect-error -- no axis "pt"
      { "head.weight": { pt: Shard(1) } },
      // @ts-expect-error -- no axis "pt"
      gptPlan({ axis: "pt" }),
      // @ts-expect-error -- no axis "pt"
      { "blocks.*": { input: { pt: Shard(1) } } },
      // @ts-expect-error -- no axis "pt"
      { "blocks.*": { divisible: { heads: "pt" } } },
    ];
    expect(plans).toHaveLength(6);
  });
});
