import { describe, expect, test } from "vitest";
import { parseTrainingOptions } from "../cli/training-options.ts";
import { command, type GPTCommandOptions } from "./command.ts";
import { checkSchedule, scheduleFor, unevenHint } from "./schedule.ts";

function read(args: string): GPTCommandOptions {
  return parseTrainingOptions(args.split(" "), command);
}

describe("scheduleFor", () => {
  test("is nothing without a pipeline, micro-batches or recomputation", () => {
    expect(scheduleFor(read("--mesh dp=2,tp=2"))).toBeUndefined();
  });

  test("takes two micro-batches per rank on pp unless told otherwise", () => {
    expect(scheduleFor(read("--mesh pp=3"))).toMatchObject({ name: "1f1b", numRanks: 3, numMicroBatches: 6 });
    expect(scheduleFor(read("--mesh pp=3 --micro-batches 5 --schedule zbv"))).toMatchObject({
      name: "zbv",
      numMicroBatches: 5,
      recompute: false,
    });
    expect(scheduleFor(read("--mesh pp=2 --schedule looped-bfs --chunks 2 --recompute"))).toMatchObject({
      stages: [[0, 2], [1, 3]],
      recompute: true,
    }); // prettier-ignore
  });

  test("accumulates gradients and recomputes on one rank too", () => {
    expect(scheduleFor(read("--mesh tp=1 --micro-batches 4 --recompute"))).toMatchObject({
      numRanks: 1,
      numMicroBatches: 4,
      recompute: true,
    });
  });
});

test.each([
  [
    "--mesh pp=4 --schedule zbv",
    "--mesh: pp (4, 8 stages) must give every stage one of the 5 layers (embedding, 3 blocks, head); use a smaller pp or --chunks, or --layers 6.",
  ],
  [
    "--mesh pp=2 --micro-batches 13",
    "--micro-batches (13) must be at most --batch-size (12); use --batch-size 13.",
  ],
  [
    "--mesh pp=2 --schedule interleaved --micro-batches 3",
    "interleaved1F1B: numMicroBatches (3) must be a multiple of numRanks (2); use 2 or 4.",
  ],
])("%s is refused", (args, message) => {
  expect(() => {
    checkSchedule(read(args));
  }).toThrow(message);
});

test("micro-batches that dp does not divide get a hint", () => {
  expect(unevenHint(read("--mesh dp=2,tp=2,pp=2 --micro-batches 8"))).toBe(
    "8 micro-batches of 12 sequences do not split evenly over dp=2, which costs communication; --batch-size 16 does",
  );
  expect(unevenHint(read("--mesh dp=2,pp=2 --micro-batches 6"))).toBeUndefined();
  expect(unevenHint(read("--mesh dp=5"))).toBeUndefined();
});
