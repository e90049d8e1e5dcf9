import { expect, expectTypeOf, test } from "vitest";
import { choiceOption, flagOption, optionalInteger, optionalNumber } from "./option-value.ts";
import { parseTrainingOptions, type TrainingCommand } from "./training-options.ts";

const options = {
  schedule: choiceOption("order of work", ["gpipe", "1f1b"], "1f1b"),
  microBatches: optionalInteger("micro-batches"),
  recompute: flagOption("run again"),
  strength: optionalNumber("strength", { min: 0, example: 0.5 }),
};
const command: TrainingCommand<"pp", typeof options> = {
  name: "gpt",
  description: "trains",
  axes: ["pp"],
  defaults: { mesh: {}, steps: 1 },
  options,
};

test("choices, optional numbers and flags have defaults", () => {
  const { extra } = parseTrainingOptions([], command);
  expect(extra).toEqual({ schedule: "1f1b", microBatches: undefined, recompute: false, strength: undefined });
  expectTypeOf(extra.schedule).toEqualTypeOf<"gpipe" | "1f1b">();
  expectTypeOf(extra.microBatches).toEqualTypeOf<number | undefined>();
});

test("choices, optional numbers and flags are read", () => {
  const args = ["--recompute", "--micro-batches", "8", "--schedule", "gpipe", "--strength", "0.25"];
  expect(parseTrainingOptions(args, command).extra).toEqual({
    schedule: "gpipe",
    microBatches: 8,
    recompute: true,
    strength: 0.25,
  });
});

test("a word that is no choice is refused, and so is a number below 1", () => {
  expect(() => parseTrainingOptions(["--schedule", "2f2b"], command)).toThrow(
    "error: option '--schedule <name>' argument '2f2b' is invalid. It must be one of gpipe, 1f1b; use for example 1f1b.",
  );
  expect(() => parseTrainingOptions(["--micro-batches", "0"], command)).toThrow(
    "It must be a positive integer",
  );
  expect(() => parseTrainingOptions(["--strength", "-1"], command)).toThrow(
    "It must be a number of at least 0; use for example 0.5.",
  );
});
