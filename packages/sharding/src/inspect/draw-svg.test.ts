import { ContractError } from "@meshwright/core";
import { describe, expect, test } from "vitest";
import { Partial, Replicate, Shard } from "../placement.ts";
import type { DrawableLayout } from "./blocks.ts";
import { drawSvg } from "./draw-svg.ts";
import { elements, isWellFormed } from "./testing/svg.ts";

const mesh = { axisNames: ["dp", "tp"], shape: [2, 2] };
const matrix: DrawableLayout = { shape: [4, 6], dtype: "float32", mesh, placements: [Shard(0), Shard(1)] };

/** Texts in the order of the drawing. */
function texts(svg: string): string[] {
  return [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text!);
}

/** The boxes of a rank: first in the tensor, last in the mesh. */
function boxesOf(svg: string, rank: number): Record<string, number>[] {
  return elements(svg, "rect")
    .filter((rect) => rect.class === `r${rank}`)
    .map(({ x, y, width, height }) => ({
      x: Number(x),
      y: Number(y),
      width: Number(width),
      height: Number(height),
    }));
}

describe("drawSvg of a layout", () => {
  test("draws each block in the colour of its rank, in the tensor and in the rank's place", () => {
    const svg = drawSvg(matrix);
    const [inTensor, inMesh] = boxesOf(svg, 3);
    const [first] = boxesOf(svg, 0);
    expect(first).toMatchObject({ x: 0, y: 0 });
    expect(inTensor!.x).toBeCloseTo(first!.width!, 1);
    expect(inTensor!.y).toBeCloseTo(first!.height!, 1);
    // [2, 3] of [4, 6]: half of the outline in both directions, at its lower right end.
    expect(inMesh!.width).toBeCloseTo(96 / 2, 1);
    expect(inMesh!.x).toBeCloseTo(96 / 2, 1);
    expect(texts(svg)).toEqual([
      "float32[4, 6]: dp Shard(0), tp Shard(1)",
      "dim 0 down, dim 1 across",
      ...["0", "1", "2", "3", "0..2", "3..5", "0..1", "2..3"],
      ...["tp →", "dp ↓"],
      ...["rank 0", "[2, 3]", "rank 1", "[2, 3]", "rank 2", "[2, 3]", "rank 3", "[2, 3]"],
    ]);
  });

  test("uneven parts are in proportion, and a rank may hold nothing", () => {
    const svg = drawSvg({
      ...matrix,
      shape: [5],
      mesh: { axisNames: ["tp"], shape: [4] },
      placements: [Shard(0)],
    });
    const widths = [0, 1, 2].map((rank) => boxesOf(svg, rank)[0]!.width!);
    expect(widths[0]).toBe(widths[1]);
    expect(widths[2]).toBeLessThan(widths[0]!);
    expect(widths[0]! + widths[1]! + widths[2]!).toBeCloseTo(300, 1);
    expect(boxesOf(svg, 3)).toEqual([]);
    expect(texts(svg)).toContain("rank 3: nothing");
  });

  test("says which ranks hold copies, which summands, and which candidates", () => {
    const of = (...placements: DrawableLayout["placements"]) => texts(drawSvg({ ...matrix, placements }));
    expect(of(Replicate(), Shard(1))).toEqual(
      expect.arrayContaining(["0 = 2", "1 = 3", "= ranks that hold the same values"]),
    );
    expect(of(Partial(), Shard(1))).toEqual(
      expect.arrayContaining(["0 + 2", "+ along dp ranks hold parts of a sum"]),
    );
    expect(of(Partial(), Replicate())).toContain("0 = 1 + 2 = 3");
    expect(of(Replicate(), Partial("max"))).toContain("max of 0 = 2, 1 = 3");
  });

  test("a dim that two axes cut has the outer axis' parts in order", () => {
    const svg = drawSvg({ ...matrix, shape: [7, 3, 2], placements: [Shard(0), Shard(0)] });
    expect(texts(svg).filter((text) => /^\d/.test(text))).toEqual([
      "0",
      "1",
      "2",
      "3",
      "0..1",
      "0..1",
      "2..3",
      "4..5",
      "6",
    ]);
    expect(texts(svg).at(-1)).toBe("not drawn, whole on every rank: dim 1 (3)");
  });

  test("a tensor cut along more than two dims has a picture per part of the others", () => {
    const cube = { axisNames: ["dp", "cp", "tp"], shape: [2, 2, 2] };
    const svg = drawSvg({
      ...matrix,
      shape: [8, 28, 28, 6],
      mesh: cube,
      placements: [Shard(0), Shard(1), Shard(3)],
    });
    expect(texts(svg)).toEqual(
      expect.arrayContaining(["dim 0: 0..3", "dim 0: 4..7", "dim 1 down, dim 3 across", "dp, cp ↓"]),
    );
    for (let rank = 0; rank < 8; rank++) expect(boxesOf(svg, rank)).toHaveLength(2);
  });

  test.each([
    ["a scalar", { shape: [], placements: [Replicate(), Replicate()] }],
    ["an empty tensor", { shape: [0, 3], placements: [Shard(0), Replicate()] }],
    ["one rank", { mesh: { axisNames: ["tp"], shape: [1] }, placements: [Shard(1)] }],
    ["64 ranks", { mesh: { axisNames: ["dp", "tp"], shape: [4, 16] }, placements: [Replicate(), Shard(1)] }],
    ["names that are markup", { mesh: { axisNames: ["<a>", '"&'], shape: [2, 2] } }],
  ])("draws %s, well-formed and asking for nothing from elsewhere", (_, what) => {
    const svg = drawSvg({ ...matrix, ...what });
    expect(isWellFormed(svg)).toBe(true);
    expect(svg).not.toMatch(/NaN|Infinity|<script|href|url\(|@import|http:\/\/(?!www\.w3\.org\/2000\/svg")/);
  });

  test("follows light and dark, and only inside itself", () => {
    const svg = drawSvg(matrix, { id: "w", title: "a & b" });
    expect(svg).toContain('<title id="w-title">a &amp; b</title>');
    expect(svg).toContain(
      '<desc id="w-desc">float32[4, 6]: dp Shard(0), tp Shard(1) on { dp: 2, tp: 2 }</desc>',
    );
    const [, style = ""] = /<style>([^]*?)<\/style>/.exec(svg)!;
    expect(
      style.split("\n").every((rule) => /^(@media \(prefers-color-scheme:dark\)\{)?#w[ {]/.test(rule)),
    ).toBe(true);
    const used = new Set([...style.matchAll(/var\((--[\w-]+)\)/g)].map(([, name]) => name!));
    expect(used.size).toBeGreaterThan(8);
    for (const name of used) expect(style.split(`${name}:`), name).toHaveLength(3); // once per mode
    const fills = [0, 1, 2, 3].map((rank) => new RegExp(`--mw-r${rank}:(#\\w+)`).exec(style)![1]);
    expect(new Set(fills).size).toBe(4);
  });

  test.each([
    [
      { placements: [Shard(0)] },
      {},
      "placements (1) must be one per axis of the mesh ({ dp: 2, tp: 2 }); use Replicate() for axes that do not split.",
    ],
    [
      { placements: [Shard(2), Replicate()] },
      {},
      "Shard(2) must name a dim of the tensor of shape [4, 6]; use a dim from 0 to 1.",
    ],
    [{}, { id: "1" }, 'id ("1") must be a letter and then letters, digits, "-" and "_"; use "layout".'],
  ])("refuses what it cannot draw", (what, options, message) => {
    expect(() => drawSvg({ ...matrix, ...what }, options)).toThrow(new ContractError(`drawSvg: ${message}`));
  });
});
