import { expect, test } from "vitest";
import { PlanNode } from "./plan-cache.ts";

test("one way leads to one node, whatever lies beside it", () => {
  const root = new PlanNode();
  const node = root.after("false,true").after(3).after(12);
  expect(root.after("false,true").after(3).after(12)).toBe(node);
  const others = [
    root.after("false,true").after(12).after(3),
    root.after("true,false").after(3).after(12),
    root.after("false,true").after(3),
    root.after("false,true").after(31).after(2),
  ];
  for (const other of others) expect(other).not.toBe(node);
});

test("a text and a number that read alike are two ways", () => {
  const root = new PlanNode();
  expect(root.after("7")).not.toBe(root.after(7));
});

test("an input that is left out is not the one after it", () => {
  const root = new PlanNode();
  const withBias = root.after(1).after(2).after(5).afterAbsent();
  const withWeights = root.after(1).after(2).afterAbsent().after(5);
  expect(withBias).not.toBe(withWeights);
  expect(root.after(1).after(2).afterAbsent().after(5)).toBe(withWeights);
});
