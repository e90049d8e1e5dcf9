import { Parameter } from "@meshwright/core";
import { describe, expect, test } from "vitest";
import { firstNames, Stage, type PipelineLayer } from "../stage.ts";
import { findTies, type StagePositions } from "./ties.ts";

const normal = { kind: "normal", std: 1 } as const;

function parameter(shape: readonly number[], initializer: Parameter["initializer"] = normal): Parameter {
  return new Parameter({ shape, initializer });
}

/** One layer per stage, with these parameters. */
function stagesOf(
  positionOf: readonly number[],
  layers: readonly Record<string, Parameter>[],
): StagePositions {
  const list = layers.map((parameters, i): PipelineLayer => ({
    name: `layer ${i}`,
    parameters: new Map(Object.entries(parameters)),
    apply: (x) => x,
  }));
  const names = firstNames(list);
  return { positionOf, stages: list.map((layer, i) => new Stage(i, [layer], names)) };
}

describe("findTies", () => {
  test("joins pairs, chains of pairs, and parameters that stages of several ranks share", () => {
    const shared = parameter([2]);
    const where = stagesOf([0, 1, 1, 0], [
      { a: parameter([3]), s: shared },
      { b: parameter([3]) },
      { c: parameter([3]), again: shared },
      { d: parameter([5]) },
    ]); // prettier-ignore
    expect(findTies(where, [["b", "c"], ["c", "a"]])).toEqual([
      { names: ["a", "b", "c"], positions: [0, 1] },
      { names: ["s"], positions: [0, 1] },
    ]); // prettier-ignore
  });

  test("needs nothing where one rank holds a shared parameter alone", () => {
    const shared = parameter([2]);
    expect(findTies(stagesOf([0, 1, 0], [{ s: shared }, {}, { s: shared }]), [])).toEqual([]);
  });

  test("lists names that do not exist and pairs that are not alike", () => {
    const where = stagesOf([0, 1], [
      { a: parameter([3]) },
      { b: parameter([4]), c: parameter([3], { kind: "zeros" }) },
    ]); // prettier-ignore
    expect(() => findTies(where, [["a", "x"], ["a", "b"], ["a", "c"]])).toThrow(
      [
        "createPipeline:",
        '- tied ("x") must be the name of a parameter; use a dotted name of the layers.',
        '- tied ("a": [3], {"kind":"normal","std":1}) must be like "b" ([4], {"kind":"normal","std":1}); use equal shapes, placements and initializers.',
        '- tied ("a": [3], {"kind":"normal","std":1}) must be like "c" ([3], {"kind":"zeros"}); use equal shapes, placements and initializers.',
      ].join("\n"),
    ); // prettier-ignore
  });
});
