import { describe, expect, test } from "vitest";
import { drawSchedule } from "../../test/draw-schedule.ts";
import { zbH1 } from "./zb-h1.ts";

describe("ZB-H1 with 3 ranks and 5 micro-batches", () => {
  test("has the shape of its picture", () => {
    expect(drawSchedule(zbH1({ numRanks: 3, numMicroBatches: 5 }))).toBe(
      [
        "rank 0  F0 F1 F2 .. .. I0 W0 F3 I1 W1 F4 I2 W2 I3 W3 I4 W4",
        "rank 1  .. F0 F1 .. I0 F2 I1 W0 F3 I2 W1 F4 I3 W2 I4 W3 W4",
        "rank 2  .. .. F0 I0 F1 I1 F2 I2 W0 F3 I3 W1 F4 I4 W2 W3 W4",
      ].join("\n"),
    );
  });

  test("has its shape with fewer micro-batches than ranks", () => {
    expect(drawSchedule(zbH1({ numRanks: 4, numMicroBatches: 2 }))).toBe(
      [
        "rank 0  F0 F1 .. .. .. .. .. I0 W0 I1 W1",
        "rank 1  .. F0 F1 .. .. .. I0 .. I1 W0 W1",
        "rank 2  .. .. F0 F1 .. I0 .. I1 W0 W1 ..",
        "rank 3  .. .. .. F0 I0 F1 I1 W0 W1 .. ..",
      ].join("\n"),
    );
  });
});
