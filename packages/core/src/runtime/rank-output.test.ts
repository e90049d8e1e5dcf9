import { expect, test, vi } from "vitest";
import { LineAssembler, printLines, type OutputLine } from "./rank-output.ts";

function collect(): { lines: string[]; assembler: LineAssembler } {
  const lines: string[] = [];
  const assembler = new LineAssembler(({ rank, stream, text }: OutputLine) => {
    lines.push(`${rank} ${stream} ${text}`);
  });
  return { lines, assembler };
}

test("chunks of different ranks and streams do not mix", () => {
  const { lines, assembler } = collect();
  assembler.push(0, "stdout", "a");
  assembler.push(1, "stdout", "b");
  assembler.push(0, "stderr", "c\n");
  assembler.push(1, "stdout", "b\n\nbb");
  assembler.push(0, "stdout", "a\n");
  expect(lines).toEqual(["0 stderr c", "1 stdout bb", "1 stdout ", "0 stdout aa"]);
  assembler.flush();
  assembler.flush();
  expect(lines.slice(4)).toEqual(["1 stdout bb"]);
});

test("a character that is cut in two is whole again", () => {
  const { lines, assembler } = collect();
  const bytes = new TextEncoder().encode("\u{1d6fc}\n");
  assembler.push(2, "stdout", bytes.slice(0, 2));
  assembler.push(2, "stdout", bytes.slice(2));
  assembler.push(2, "stdout", bytes.slice(0, 1));
  assembler.flush();
  expect(lines).toEqual(["2 stdout \u{1d6fc}", "2 stdout \ufffd"]);
});

test.each([
  [1, "text\n"],
  [4, "[rank 3] text\n"],
])("of %i ranks, a line is printed in one piece", (ranks, written) => {
  const spy = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  printLines(ranks)({ rank: 3, stream: "stderr", text: "text" });
  const calls = [...spy.mock.calls];
  spy.mockRestore();
  expect(calls).toEqual([[written]]);
});
