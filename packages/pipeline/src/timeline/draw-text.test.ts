import { describe, expect, test } from "vitest";
import type { Timeline, TimelineEvent } from "../timeline-record.ts";
import { drawText } from "./draw-text.ts";
import { gpipeTimeline, zeroBubbleTimeline } from "./timelines.fixture.ts";

const event = (
  label: string,
  start: number,
  end: number,
  more: Partial<TimelineEvent> = {},
): TimelineEvent => ({
  rank: 0,
  kind: label[0] as TimelineEvent["kind"],
  microBatch: Number(label.slice(1)),
  stage: 0,
  chunk: 0,
  start,
  end,
  ...more,
});
const one = (events: readonly TimelineEvent[], makespan: number): Timeline => ({
  name: "one",
  unit: "ms",
  numRanks: 1,
  makespan,
  events,
});
/** The row of a drawing with a single rank. */
const row = (timeline: Timeline, width?: number): string =>
  drawText(timeline, width === undefined ? {} : { width })
    .split("\n")[1]!
    .slice("rank 0  ".length);

describe("drawText", () => {
  test("GPipe is a forward and a backward trapezium", () => {
    expect(drawText(gpipeTimeline)).toBe(
      [
        "gpipe: 15 cost",
        "rank 0  F0F1F2............B0--B1--B2--",
        "rank 1  ..F0F1F2......B0--B1--B2--....",
        "rank 2  ....F0F1F2B0--B1--B2--........",
        "        0         5         10",
        "F forward, B backward, . idle",
      ].join("\n"),
    );
  });

  test("weight gradients fill the idle time", () => {
    expect(drawText(zeroBubbleTimeline)).toBe(
      [
        "zb-h1: 10 cost",
        "rank 0  F0F1..I0W0F2I1W1I2W2",
        "rank 1  ..F0I0F1I1W0F2I2W1W2",
        "        0         5",
        "F forward, I input gradient, W weight gradient, . idle",
      ].join("\n"),
    );
  });

  test("a label that does not fit gives way to the kind, and a column shows what fills most of it", () => {
    const timeline = one([event("F10", 0, 4), event("B10", 4, 5), event("B11", 7, 12)], 12);
    expect(row(timeline)).toBe("F10---------B10......B11------------");
    expect(row(timeline, 8 + 24)).toBe("F10-----B-....B11-------");
    expect(row(timeline, 8 + 12)).toBe("F10-B..B11--");
    expect(row(timeline, 8 + 6)).toBe("F-BB11"); // 4..6 is half B10 and half idle, 6..8 half idle and half B11: work is shown
    expect(row(timeline, 8 + 1)).toBe("B");
  });

  test("equal work has equal width where the durations allow it", () => {
    const rows = (timeline: Timeline) =>
      drawText(timeline, { width: 8 + 22 })
        .split("\n")
        .slice(1, 4);
    expect(rows(gpipeTimeline)).toEqual([
      "rank 0  FFF......B0B1B2",
      "rank 1  .FFF...B0B1B2..",
      "rank 2  ..FFFB0B1B2....",
    ]);
    const [first, ...others] = gpipeTimeline.events;
    const uneven = { ...gpipeTimeline, events: [{ ...first!, end: 0.9 }, ...others] };
    expect(rows(uneven)[0]).toHaveLength(8 + 22);
  });

  test("chunks beyond the first are named, where there is room", () => {
    const timeline = one([event("F3", 0, 1), event("F3", 1, 2, { chunk: 1, stage: 4 })], 2);
    expect(row(timeline)).toBe("F3--F3:1");
    expect(row(timeline, 8 + 4)).toBe("F3F3");
  });

  test("colours mark the kind, and odd chunks are underlined", () => {
    const timeline = one([event("I0", 0, 1), event("W0", 2, 3, { chunk: 1 })], 3);
    expect(drawText(timeline, { color: true }).split("\n")[1]).toBe(
      "rank 0  \u001b[38;5;16;48;5;222mI0--\u001b[0m....\u001b[38;5;16;48;5;114;4mW0:1\u001b[0m",
    );
  });

  test("`until` gives two drawings one scale", () => {
    const timeline = one([event("F0", 0, 1), event("B0", 1, 3)], 3);
    expect(drawText(timeline, { until: 5 })).toBe(
      ["one: 3 ms", "rank 0  F0B0--....", "        0", "F forward, B backward, . idle"].join("\n"),
    );
  });

  test("a step without work, and one that takes no time, are drawn", () => {
    expect(row(one([], 3))).toBe(".");
    expect(row(one([event("F0", 0, 0)], 0))).toBe(".");
  });

  test.each([
    [
      { width: 8 },
      "drawText: width (8) must be a whole number above that of the rank names (8); use 80 or more.",
    ],
    [
      { width: 20.5 },
      "drawText: width (20.5) must be a whole number above that of the rank names (8); use 80 or more.",
    ],
    [
      { until: 2 },
      "drawText: until (2) must not be before the makespan (15); use the longest makespan of those drawn.",
    ],
  ])("%j is refused", (options, message) => {
    expect(() => drawText(gpipeTimeline, options)).toThrow(message);
  });

  test.each([
    [
      [event("F0", 0, 1, { rank: 1 })],
      "drawText: rank (1) of F0 must be one of the timeline's ranks (0..0); use numRanks above it.",
    ],
    [
      [event("B3", 2, 7)],
      "drawText: times (2..7) of B3 on rank 0 must rise within 0..makespan (5); use times since the start of the step.",
    ],
    [
      [event("B3", 2, 1, { chunk: 2 })],
      "drawText: times (2..1) of B3:2 on rank 0 must rise within 0..makespan (5); use times since the start of the step.",
    ],
    [
      [event("F1", 1, 3), event("F0", 0, 2)],
      "drawText: F1 on rank 0 (from 1) must start after F0 (until 2); use one event per piece of work.",
    ],
  ])("a timeline that contradicts itself is refused", (events, message) => {
    expect(() => drawText(one(events, 5))).toThrow(message);
  });
});
