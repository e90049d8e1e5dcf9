import { describe, expect, test, vi } from "vitest";
import { launch } from "../../src/runtime/launch.ts";
import type { OutputLine } from "../../src/runtime/rank-output.ts";
import { programUrl } from "./program-url.ts";
import type print from "./programs/print.ts";

const expected = (rank: number, lines: number): Record<"stdout" | "stderr", string[]> => ({
  stdout: [
    `first line of ${rank}`,
    "gr\u00fcn",
    "word",
    ...Array.from({ length: lines }, (_, line) => `${rank}: ${line}`),
    "no line break",
  ],
  stderr: ["an error line", "and another"],
});

describe("the output of ranks", () => {
  test("arrives as whole lines with rank and stream", async () => {
    const lines: OutputLine[] = [];
    const results = await launch<typeof print>(programUrl("print"), {
      ranks: 3,
      engine: "cpu",
      options: { lines: 50 },
      output: (line) => lines.push(line),
    });
    expect(results).toEqual([true, true, true]);
    for (const rank of [0, 1, 2]) {
      for (const stream of ["stdout", "stderr"] as const) {
        const texts = lines.filter((line) => line.rank === rank && line.stream === stream);
        expect(texts.map(({ text }) => text)).toEqual(expected(rank, 50)[stream]);
      }
    }
  });

  test.each([
    [1, ""],
    [2, "[rank 0] "],
  ])("of %i ranks is printed with label %j", async (ranks, label) => {
    const written = { stdout: "", stderr: "" };
    const spies = (["stdout", "stderr"] as const).map((stream) =>
      vi.spyOn(process[stream], "write").mockImplementation((chunk) => {
        written[stream] += String(chunk);
        return true;
      }),
    );
    try {
      await launch<typeof print>(programUrl("print"), { ranks, engine: "cpu", options: { lines: 2 } });
    } finally {
      for (const spy of spies) spy.mockRestore();
    }
    for (const stream of ["stdout", "stderr"] as const) {
      const ofRank0 = written[stream].split("\n").filter((line) => ranks === 1 || line.startsWith(label));
      expect(ofRank0.filter((line) => line !== "")).toEqual(
        expected(0, 2)[stream].map((line) => label + line),
      );
    }
  });
});
