import { ContractError } from "@meshwright/core";
import { describe, expect, test } from "vitest";
import { compareSpecificity, fittingSegments, matches, parsePattern, specificityFor } from "./pattern.ts";

const NAMES = ["blocks.0.mlp.up.weight", "blocks.0.mlp.up.bias", "blocks.11.mlp.down.weight", "head.weight"];

function matching(text: string): string[] {
  const pattern = parsePattern("test", text);
  return NAMES.filter((name) => matches(pattern, name));
}

describe("patterns", () => {
  test.each([
    ["head.weight", ["head.weight"]],
    ["head", []],
    ["blocks.*.mlp.up.weight", ["blocks.0.mlp.up.weight"]],
    ["blocks.*.mlp.{up,down}.weight", ["blocks.0.mlp.up.weight", "blocks.11.mlp.down.weight"]],
    ["blocks.*.mlp.{up,down}.{weight,bias}", NAMES.slice(0, 3)],
    ["blocks.1*.**", ["blocks.11.mlp.down.weight"]],
    ["blocks.**.weight", ["blocks.0.mlp.up.weight", "blocks.11.mlp.down.weight"]],
    ["**.weight", ["blocks.0.mlp.up.weight", "blocks.11.mlp.down.weight", "head.weight"]],
    ["*.weight", ["head.weight"]],
    ["*", []],
    ["**", NAMES],
    ["head.**", ["head.weight"]],
    ["head.weight.**", ["head.weight"]],
    ["h*d.w*ght", ["head.weight"]],
    ["headXweight", []],
  ])("%s", (text, expected) => {
    expect(matching(text)).toEqual(expected);
  });

  test("dots and brackets of a name are only themselves", () => {
    expect(matches(parsePattern("test", "a(b)*"), "a(b)+c")).toBe(true);
    expect(matches(parsePattern("test", "a.b*"), "aXb")).toBe(false);
  });

  test("the empty pattern is the root", () => {
    expect(matches(parsePattern("test", ""), "")).toBe(true);
    expect(matches(parsePattern("test", ""), "a")).toBe(false);
    expect(matches(parsePattern("test", "**"), "")).toBe(true);
    expect(matches(parsePattern("test", "*"), "")).toBe(false);
  });

  test.each([
    ["blocks.0.mlp.up.weight", "blocks.*.mlp.up.weight"],
    ["blocks.*.mlp.{up,down}.weight", "blocks.*.mlp.*.weight"],
    ["blocks.*.mlp.up.weight", "blocks.0.**"],
    ["blocks.0.mlp.u*.weight", "blocks.0.mlp.*.weight"],
    ["*.*.*.*.*", "**"],
  ])("%s is more specific than %s", (more, less) => {
    const of = (text: string) => specificityFor(parsePattern("test", text), "blocks.0.mlp.up.weight")!;
    expect(compareSpecificity(of(more), of(less))).toBeGreaterThan(0);
    expect(compareSpecificity(of(less), of(more))).toBeLessThan(0);
    expect(compareSpecificity(of(less), of(less))).toBe(0);
  });

  test("the fitting part of a pattern ends where no name goes on", () => {
    const fitting = (text: string) => fittingSegments(parsePattern("test", text).branches[0]!, NAMES);
    expect(fitting("blocks.*.attention.query.weight")).toBe(2);
    expect(fitting("haed.weight")).toBe(0);
    expect(fitting("head.weight")).toBe(2);
  });

  test.each([
    ["a..b", "have a name between its dots"],
    [".a", "have a name between its dots"],
    ["a.b**", "have ** alone between its dots"],
    ["a.{b,c", "close each brace before the next"],
    ["a.b}", "close each brace before the next"],
    ["{a,{b,c}}", "close each brace before the next"],
    ["{a,b}}", "close each brace before the next"],
    ["a.{b.c,d}", "have names between braces and commas"],
    ["a.{b,}", "have names between braces and commas"],
    ["a.{}", "have names between braces and commas"],
  ])("%s is refused", (text, rule) => {
    expect(() => parsePattern("parallelize", text)).toThrow(
      new ContractError(
        `parallelize: pattern ("${text}") must ${rule}; use names, *, ** and {a,b} between dots, for example "blocks.*.mlp.{up,down}.weight".`,
      ),
    );
  });
});
