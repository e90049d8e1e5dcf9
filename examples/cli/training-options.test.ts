import { CommanderError } from "commander";
import { describe, expect, expectTypeOf, test } from "vitest";
import { integerOption, numberOption, textOption } from "./option-value.ts";
import { parseTrainingOptions, type TrainingCommand } from "./training-options.ts";

const options = {
  hiddenSize: integerOption("width of the model", 96),
  learningRate: numberOption("peak learning rate", 0.003, { min: 0 }),
  prompt: textOption("start of the sample", "Call me"),
};
const command: TrainingCommand<"dp" | "tp", typeof options> = {
  name: "gpt",
  description: "trains a GPT on a book",
  axes: ["dp", "tp"],
  defaults: { mesh: { tp: 2 }, steps: 200, report: "report" },
  options,
};

/** What the user gets to read, and the exit code. */
function failure(...args: string[]): { message: string; exitCode: number } {
  try {
    parseTrainingOptions(args, command);
  } catch (error) {
    if (error instanceof CommanderError) return { message: error.message, exitCode: error.exitCode };
    throw error;
  }
  throw new TypeError(`${args.join(" ")} was accepted`);
}

describe("parseTrainingOptions", () => {
  test("no arguments give the defaults", () => {
    expect(parseTrainingOptions([], command)).toEqual({
      mesh: { dp: 1, tp: 2 },
      ranks: 2,
      steps: 200,
      seed: 1,
      engine: "auto",
      threadsPerRank: undefined,
      json: undefined,
      checked: false,
      deterministic: false,
      report: "report",
      progress: true,
      extra: { hiddenSize: 96, learningRate: 0.003, prompt: "Call me" },
    });
  });

  test("every option is read", () => {
    const args =
      "--mesh dp=3,tp=2 --steps 30 --seed 0 --engine wasm --threads-per-rank 2 --json out.json --checked --deterministic --report r --no-progress " +
      "--hidden-size 48 --learning-rate 1e-3 --prompt =";
    expect(parseTrainingOptions(args.split(" "), command)).toEqual({
      mesh: { dp: 3, tp: 2 },
      ranks: 6,
      steps: 30,
      seed: 0,
      engine: "wasm",
      threadsPerRank: 2,
      json: "out.json",
      checked: true,
      deterministic: true,
      report: "r",
      progress: false,
      extra: { hiddenSize: 48, learningRate: 0.001, prompt: "=" },
    });
  });

  test("the mesh and the example's options are typed", () => {
    const parsed = parseTrainingOptions([], command);
    expectTypeOf(parsed.mesh).toEqualTypeOf<Readonly<Record<"dp" | "tp", number>>>();
    expectTypeOf(parsed.extra.hiddenSize).toEqualTypeOf<number>();
    expectTypeOf(parsed.extra.prompt).toEqualTypeOf<string>();
    expectTypeOf(parsed.extra).not.toHaveProperty("hidenSize");
  });

  test("an unknown option gets the nearest one suggested", () => {
    expect(failure("--stps", "3")).toEqual({
      exitCode: 2,
      message: "error: unknown option '--stps'\n(Did you mean --steps?)\n(--help lists the options)",
    });
  });

  test("all problems of a mesh come in one message", () => {
    const help = "\n(--help lists the options)";
    expect(failure("--mesh", "ep=2,tp=0")).toEqual({
      exitCode: 2,
      message:
        "error: option '--mesh <axes>' argument 'ep=2,tp=0' is invalid. \n" +
        '  --mesh: axis ("ep") must be one of this example\'s axes (dp, tp); use for example --mesh dp=1,tp=2.\n' +
        `  --mesh: size of axis "tp" (0) must be a positive integer; use for example tp=2.${help}`,
    });
  });

  test.each([
    [
      "--steps",
      "0",
      "error: option '--steps <n>' argument '0' is invalid. It must be a positive integer; use for example 1.",
    ],
    [
      "--seed",
      "-1",
      "error: option '--seed <n>' argument '-1' is invalid. It must be an integer of at least 0; use for example 1.",
    ],
    [
      "--hidden-size",
      "1e3",
      "error: option '--hidden-size <n>' argument '1e3' is invalid. It must be a positive integer; use for example 1.",
    ],
    [
      "--learning-rate",
      "-0.1",
      "error: option '--learning-rate <x>' argument '-0.1' is invalid. It must be a number of at least 0; use for example 0.003.",
    ],
    [
      "--engine",
      "gpu",
      "error: option '--engine <name>' argument 'gpu' is invalid. Allowed choices are auto, wasm, cpu, tensorflow.",
    ],
  ])("%s %s is refused", (option, value, message) => {
    expect(failure(option, value)).toEqual({
      exitCode: 2,
      message: `${message}\n(--help lists the options)`,
    });
  });

  test("an argument that belongs to no option is refused", () => {
    expect(failure("30").message).toMatch(/^error: too many arguments/);
    expect(failure("--json").message).toMatch(/^error: option '--json <file>' argument missing/);
  });

  test("help lists every option with its default and ends with code 0", () => {
    const { message, exitCode } = failure("--help");
    expect(exitCode).toBe(0);
    expect(message).toContain("Usage: pnpm example gpt [options]");
    expect(message).toContain("trains a GPT on a book");
    expect(message).toMatch(/--mesh <axes> .*\n?.*\(default: dp=1,tp=2\)/);
    expect(message).toMatch(/--hidden-size <n> +width of the model \(default: 96\)/);
  });
});
