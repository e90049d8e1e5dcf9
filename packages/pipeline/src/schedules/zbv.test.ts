import { describe, expect, test } from "vitest";
import { drawSchedule } from "../../test/draw-schedule.ts";
import { zbV } from "./zbv.ts";

describe("ZBV with 3 ranks and 5 micro-batches", () => {
  test("has the shape of its picture", () => {
    expect(drawSchedule(zbV({ numRanks: 3, numMicroBatches: 5 }))).toBe(
      [
        "rank 0  F0 F1 F2 F3 F4 f0 i0 w0 f1 i1 w1 f2 i2 w2 I0 W0 f3 i3 w3 I1 W1 f4 i4 w4 I2 W2 I3 W3 I4 W4 .. ..",
        "rank 1  .. F0 F1 F2 f0 F3 f1 i0 w0 f2 i1 w1 F4 I0 W0 f3 i2 w2 I1 W1 f4 i3 w3 I2 i4 I3 W2 I4 W3 w4 W4 ..",
        "rank 2  .. .. F0 f0 F1 f1 F2 f2 i0 w0 F3 I0 W0 f3 i1 w1 F4 I1 W1 f4 i2 w2 I2 i3 I3 i4 I4 W2 w3 w4 W3 W4",
      ].join("\n"),
    );
  });

  test("has its shape with too few micro-batches to close the pattern", () => {
    expect(drawSchedule(zbV({ numRanks: 3, numMicroBatches: 2 }))).toBe(
      [
        "rank 0  F0 F1 .. .. .. f0 i0 w0 f1 i1 w1 .. .. I0 W0 .. I1 W1",
        "rank 1  .. F0 F1 .. f0 .. f1 i0 w0 .. i1 w1 I0 W0 .. I1 W1 ..",
        "rank 2  .. .. F0 f0 F1 f1 .. .. i0 w0 I0 W0 i1 w1 I1 W1 .. ..",
      ].join("\n"),
    );
  });

  test("has the first and the last stage on rank 0", () => {
    expect(zbV({ numRanks: 3, numMicroBatches: 2 }).stages).toEqual([
      [0, 5],
      [1, 4],
      [2, 3],
    ]);
  });
});
