import { expect, test } from "vitest";
import { replaceBlock } from "./replace-block.ts";

const PLACE = { name: "speed", script: "write-speed", page: "docs/speed.md" };

test("what stands between the comments is replaced, and nothing else", () => {
  const page = "a\n<!-- speed: written by bench/write-speed.ts -->\n\nold\n\n<!-- /speed -->\nb";
  const written = "a\n<!-- speed: written by bench/write-speed.ts -->\n\nnew\n\n<!-- /speed -->\nb";
  expect(replaceBlock(page, "new", PLACE)).toBe(written);
  expect(replaceBlock(written, "new", PLACE)).toBe(written);
});

test("a page without the comments is refused", () => {
  expect(() => replaceBlock("<!-- /speed -->", "new", PLACE)).toThrow(
    'write-speed: docs/speed.md must hold the comments "<!-- speed: written by bench/write-speed.ts -->" and "<!-- /speed -->", in this order; use them where the figures belong.',
  );
});
