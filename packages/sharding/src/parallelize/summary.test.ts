import { describe, expect, test } from "vitest";
import { Replicate, Shard } from "../placement.ts";
import { resolvePlan } from "./resolve-plan.ts";
import { drawParameters } from "./summary.ts";

const mesh = { axisNames: ["dp", "tp"], shape: [2, 3] };

describe("drawParameters", () => {
  test("numbered parameters share a line while they are placed alike; uneven bytes are a range", () => {
    const { parameters } = resolvePlan(
      { "*.weight": { tp: Shard(1) }, "blocks.*.weight": { tp: Shard(1) }, "blocks.2.weight": Replicate() },
      {
        where: "test",
        mesh,
        parameters: [
          ...[0, 1, 2].map((i) => ({ name: `blocks.${i}.weight`, shape: [2, 7] })),
          { name: "head.weight", shape: [5, 3] },
        ],
        modules: new Map(),
      },
    );
    expect(drawParameters({ mesh, parameters })).toBe(
      [
        "4 parameters on { dp: 2, tp: 3 }",
        "",
        "parameter           shape   placement    bytes per rank",
        "blocks.*.weight x2  [2, 7]  tp Shard(1)          16..48",
        "blocks.2.weight     [2, 7]  replicated               56",
        "head.weight         [5, 3]  tp Shard(1)              20",
        "total                                    92..124 of 228",
        "",
      ].join("\n"),
    );
  });

  test("a model without parameters has an empty table", () => {
    expect(drawParameters({ mesh, parameters: [] })).toBe(
      "0 parameters on { dp: 2, tp: 3 }\n\nparameter  shape  placement  bytes per rank\ntotal                                0 of 0\n",
    );
  });
});
