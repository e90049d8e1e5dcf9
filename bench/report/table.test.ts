import { expect, test } from "vitest";
import { markdownTable, plainTable } from "./table.ts";

const table = { header: ["way", "ms"], rows: [["tp=2", "1234"], ["one", "5"]] }; // prettier-ignore

test("a plain table aligns names to the left and figures to the right", () => {
  expect(plainTable(table)).toBe("way     ms\ntp=2  1234\none      5");
});

test("a Markdown table is laid out as prettier does", () => {
  expect(markdownTable(table)).toBe("| way  |   ms |\n| ---- | ---: |\n| tp=2 | 1234 |\n| one  |    5 |");
});
