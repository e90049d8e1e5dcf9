import { readFileSync } from "node:fs";
import { runInNewContext } from "node:vm";
import { ContractError } from "@meshwright/core";
import { describe, expect, test } from "vitest";
import { Partial, Replicate, Shard } from "../placement.ts";
import { explainRedistribute, formatRedistribute } from "./explain.ts";

/** The code blocks of the documentation of `explainRedistribute`. */
function documentedExamples(): string[] {
  const source = readFileSync(new URL("./explain.ts", import.meta.url), "utf8");
  return [...source.matchAll(/ \* ```ts\n([\s\S]*?) \* ```/g)].map(([, block]) =>
    block!.replaceAll(/^ \* ?/gm, ""),
  );
}

/** Runs a block: an expression with a comment behind it must have that value, output must be as shown below it. */
function checkExample(code: string): number {
  const lines = code.trimEnd().split("\n");
  let numChecks = 0;
  const output: string[] = [];
  const check = (value: unknown, text: string): void => {
    numChecks++;
    for (const part of text.split(" = ")) {
      expect(JSON.stringify(value)).toBe(JSON.stringify(runInNewContext(part)));
    }
  };
  const program = lines.map((line) => {
    const [, expression, text] = /^(\S.*); \/\/ (.*)$/.exec(line) ?? [];
    if (expression === undefined || expression.startsWith("const ")) return line;
    return `check(${expression}, ${JSON.stringify(text)});`;
  });
  const names = { explainRedistribute, formatRedistribute, Partial, Replicate, Shard, check };
  const print = { log: (text: string) => output.push(...text.split("\n")) };
  runInNewContext(program.join("\n"), { ...names, console: print });
  const shown = lines.filter((line) => line.startsWith("//")).map((line) => line.slice(3));
  const tidy = (all: readonly string[]): string =>
    all
      .map((line) => line.trimEnd())
      .join("\n")
      .trimEnd();
  expect(tidy(output)).toBe(tidy(shown));
  return numChecks + shown.length;
}

describe("explainRedistribute", () => {
  test("does what its documentation says", () => {
    const examples = documentedExamples();
    expect(examples.length).toBe(3);
    for (const example of examples) expect(checkExample(example)).toBeGreaterThan(0);
  });

  test("tells what every rank sends where shards are short or empty", () => {
    const mesh = { axisNames: ["tp"], shape: [4] };
    // Chunks of ceil(5 / 4) = 2: ranks hold 2, 2, 1 and 0 rows of 3.
    const gather = explainRedistribute(mesh, {
      shape: [5, 3],
      from: { tp: Shard(0) },
      to: { tp: Replicate() },
    });
    expect(gather.steps.map(({ collective }) => collective)).toEqual(["allGather"]);
    expect(gather.bytesSentPerRank).toEqual([72, 72, 36, 0]);
    const scatter = explainRedistribute(mesh, {
      shape: [5, 3],
      from: { tp: Partial() },
      to: { tp: Shard(0) },
    });
    expect(scatter.steps.map(({ collective }) => collective)).toEqual(["reduceScatter"]);
    expect(scatter.bytesSentPerRank).toEqual([36, 36, 48, 60]);
  });

  test("counts a byte for a bool and nothing for a local step", () => {
    const mesh = { axisNames: ["dp", "tp"], shape: [2, 3] };
    const { steps, bytesSentPerRank } = explainRedistribute(mesh, {
      ...{ shape: [4, 6], dtype: "bool" },
      ...{ from: { dp: Partial("max") }, to: { dp: Replicate(), tp: Shard(1) } },
    });
    // Sliced first, so that a third is reduced: 2 * 8 * (2 - 1) / 2.
    expect(steps.map(({ collective, group }) => `${collective} ${group}`)).toEqual([
      "local tp",
      "allReduce dp",
    ]);
    expect(bytesSentPerRank).toEqual([8, 8, 8, 8, 8, 8]);
  });

  test("leaves axes that `to` does not name as they are", () => {
    const mesh = { axisNames: ["dp", "tp"], shape: [2, 2] };
    const { from, to, steps } = explainRedistribute(mesh, { shape: [4], from: { dp: Shard(0) }, to: {} });
    expect(from).toEqual([Shard(0), Replicate()]);
    expect(to).toEqual(from);
    expect(steps).toEqual([]);
  });

  test("prints that there is nothing to do, and the least and the most where ranks differ", () => {
    const mesh = { axisNames: ["tp"], shape: [2] };
    expect(formatRedistribute(explainRedistribute(mesh, { shape: [5, 4], from: {}, to: {} }))).toBe(
      "float32[5, 4] on { tp: 2 }\n\nnothing to do\n",
    );
    const uneven = explainRedistribute(mesh, {
      shape: [5, 4],
      from: { tp: Shard(0) },
      to: { tp: Shard(-1) },
    });
    expect(formatRedistribute(uneven)).toBe(
      [
        "float32[5, 4] on { tp: 2 }",
        "",
        "step  collective  group  from      to        bytes sent per rank      ms",
        "   1  allToAll    tp     Shard(0)  Shard(1)             16 to 24  0.0020",
        "      total                                             16 to 24  0.0020",
        "",
      ].join("\n"),
    );
  });

  test.each([
    [
      "an unknown axis",
      { axisNames: ["tp"], shape: [2] },
      { pp: Shard(0) },
      'explainRedistribute: axis ("pp") must be an axis of the mesh ({ tp: 2 }); use one of "tp".',
    ],
    [
      "a dim outside the tensor",
      { axisNames: ["tp"], shape: [2] },
      { tp: Shard(2) },
      "explainRedistribute: tp (Shard(2)) must name a dim of the tensor of shape [5, 4]; use a dim from -2 to 1.",
    ],
    [
      "a bandwidth that is none",
      { axisNames: ["tp"], shape: [2], costs: { tp: { bandwidth: 0, latencyMs: 1 } } },
      {},
      "explainRedistribute: costs.tp.bandwidth (0) must be a positive number of bytes per second; use measureMeshCosts(mesh).",
    ],
  ])("%s is an error", (_, mesh, to, message) => {
    expect(() => explainRedistribute(mesh, { shape: [5, 4], from: {}, to })).toThrow(
      new ContractError(message),
    );
  });
});
