import { Llama, namedModules, namedParameters } from "@meshwright/core";
import { describe, expect, test } from "vitest";
import { formatPlacement } from "../placement.ts";
import { llamaPlan, type LlamaPlanOptions } from "./llama-plan.ts";
import { resolvePlan } from "./resolve-plan.ts";

const SIZES = { vocabSize: 13, contextLength: 5, features: 12, heads: 6, keyValueHeads: 3, layers: 2 };

function splitBy(options: LlamaPlanOptions<"tp">, numRanks = 3, tiedEmbeddings = false): string[] {
  const model = new Llama({ ...SIZES, tiedEmbeddings });
  const { parameters } = resolvePlan(llamaPlan(options), {
    where: "parallelize",
    mesh: { axisNames: ["tp"], shape: [numRanks] },
    parameters: [...namedParameters(model)].map(([name, { shape }]) => ({ name, shape })),
    modules: namedModules(model),
  });
  return parameters
    .filter(({ placements }) => placements[0]!.kind === "shard")
    .map(({ name, placements }) => `${name} ${formatPlacement(placements[0]!)}`);
}

const BLOCKS = [0, 1].flatMap((i) => [
  ...["query", "key", "value"].map((projection) => `blocks.${i}.attention.${projection}.weight Shard(1)`),
  `blocks.${i}.attention.out.weight Shard(0)`,
  ...["gate", "up"].map((projection) => `blocks.${i}.mlp.${projection}.weight Shard(1)`),
  `blocks.${i}.mlp.down.weight Shard(0)`,
]);

describe("llamaPlan", () => {
  test("splits heads, hidden features and vocabulary", () => {
    expect(splitBy({ axis: "tp" })).toEqual([
      "tokenEmbedding.weight Shard(0)",
      ...BLOCKS,
      "head.weight Shard(1)",
    ]);
    expect(splitBy({ axis: "tp", vocabParallel: false })).toEqual(BLOCKS);
  });

  test("of tied embeddings has no head", () => {
    expect(splitBy({ axis: "tp", tiedEmbeddings: true }, 3, true)).toEqual([
      "tokenEmbedding.weight Shard(0)",
      ...BLOCKS,
    ]);
  });

  test("refuses ranks that do not divide the heads", () => {
    expect(() => splitBy({ axis: "tp" }, 2)).toThrow(
      'keyValueHeads (3) of "blocks.0.attention", "blocks.1.attention" must be a multiple of the ranks on axis "tp" (2); use for example keyValueHeads: 4, or fewer ranks on the axis.',
    );
  });
});
