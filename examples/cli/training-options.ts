/**
 * The options that every training example takes, read from the command line.
 *
 * @packageDocumentation
 */
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import type { EngineName } from "@meshwright/core";
import { readMesh, rankCount, type MeshSizes } from "./mesh-option.ts";
import { kebabCase, readInteger, type ExampleOptions, type OptionValues } from "./option-value.ts";

/** What an example says about itself. */
export interface TrainingCommand<Axis extends string, Extra extends ExampleOptions> {
  /** The example's name: `pnpm example NAME`. */
  readonly name: string;
  /** One sentence for the help. */
  readonly description: string;
  /** The mesh axes that `--mesh` may name, in the order of the mesh. */
  readonly axes: readonly Axis[];
  readonly defaults: {
    /** Axes left out have size 1. */
    readonly mesh: Readonly<Partial<Record<Axis, number>>>;
    readonly steps: number;
    /** Default 1. */
    readonly seed?: number;
    /** The folder of the report. Without it there is a report only where `--report` asks for one. */
    readonly report?: string;
  };
  /** Options of this example alone. */
  readonly options?: Extra;
}

/** What the user asked for, in the options that every training has. */
interface CommonOptions<Axis extends string> {
  /** A size for every axis, in the order of the example's axes. */
  readonly mesh: MeshSizes<Axis>;
  readonly steps: number;
  readonly seed: number;
  /** `"auto"`: the fastest that starts. */
  readonly engine: "auto" | EngineName;
  /** Threads that the tensorflow engine computes with, or undefined for its default, 1. */
  readonly threadsPerRank: number | undefined;
  /** The file for the results, or undefined. */
  readonly json: string | undefined;
  /** Arguments and replicas are compared across ranks before they are used. */
  readonly checked: boolean;
  /** Over MPI, ranks are added in the order of threads. */
  readonly deterministic: boolean;
  /** The folder for the report, or undefined. */
  readonly report: string | undefined;
  /** Whether to show progress. */
  readonly progress: boolean;
}

/** What the user asked for. */
export interface TrainingOptions<
  Axis extends string,
  Extra extends ExampleOptions,
> extends CommonOptions<Axis> {
  /** The product of the mesh sizes. */
  readonly ranks: number;
  /** The example's own options. */
  readonly extra: OptionValues<Extra>;
}

/**
 * Reads command-line arguments (without node and the script). Pure: no file is looked at, nothing is printed.
 *
 * @example
 * ```ts
 * const command = {
 *   name: "gpt", description: "trains a GPT", axes: ["dp", "tp"], defaults: { mesh: { tp: 2 }, steps: 200 },
 *   options: { layers: integerOption("transformer blocks", 4) },
 * } as const;
 * parseTrainingOptions(["--mesh", "dp=2", "--layers", "3"], command); // mesh { dp: 2, tp: 1 }, ranks 2, extra.layers 3
 * ```
 * @throws CommanderError for a wrong option (`exitCode` 2), and for `--help` (`exitCode` 0); the message is what the user
 * reads.
 */
export function parseTrainingOptions<Axis extends string, Extra extends ExampleOptions>(
  args: readonly string[],
  spec: TrainingCommand<Axis, Extra>,
): TrainingOptions<Axis, Extra> {
  const written: string[] = [];
  const command = buildCommand(spec).configureOutput({
    writeOut: (text) => written.push(text),
    writeErr: (text) => written.push(text),
  });
  try {
    command.parse(args, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    throw new CommanderError(error.exitCode === 0 ? 0 : 2, error.code, written.join("").trim());
  }
  return readValues(command, spec);
}

function buildCommand(spec: TrainingCommand<string, ExampleOptions>): Command {
  const { name, description, axes, defaults } = spec;
  const command = new Command(`pnpm example ${name}`)
    .description(description)
    .exitOverride()
    .showHelpAfterError("(--help lists the options)")
    .addOption(meshOption(axes, defaults.mesh))
    .option("--steps <n>", "training steps", (text) => readInteger(text, 1), defaults.steps)
    .option(
      "--seed <n>",
      "seed of weights, data and dropout",
      (text) => readInteger(text, 0),
      defaults.seed ?? 1,
    )
    .addOption(
      new Option("--engine <name>", "what computes on each rank")
        .choices(["auto", "wasm", "cpu", "tensorflow"])
        .default("auto"),
    )
    .option(
      "--threads-per-rank <n>",
      "threads that the tensorflow engine computes with (default: 1)",
      (text) => readInteger(text, 1),
    )
    .option("--json <file>", "write the results to this file")
    .option("--checked", "compare arguments and replicas across ranks before use", false)
    .option("--deterministic", "over MPI: reduce in the order of ranks, with the bits of threads", false)
    .option("--report <folder>", "write report.html and metrics.jsonl there", defaults.report)
    .option("--no-progress", "show no progress");
  for (const [key, option] of Object.entries(spec.options ?? {})) {
    const { description, placeholder, default: defaultValue } = option;
    const flag = `--${kebabCase(key)}`;
    if (placeholder === undefined) command.option(flag, description, defaultValue as boolean);
    else command.option(`${flag} <${placeholder}>`, description, (text) => option.parse(text), defaultValue);
  }
  return command;
}

function meshOption(axes: readonly string[], defaults: Readonly<Partial<Record<string, number>>>): Option {
  const defaultMesh = Object.fromEntries(axes.map((axis) => [axis, defaults[axis] ?? 1]));
  const shown = Object.entries(defaultMesh).map(([axis, size]) => `${axis}=${size}`);
  return new Option(
    "--mesh <axes>",
    `size of each mesh axis (${axes.join(", ")}); their product is the number of ranks`,
  )
    .default(defaultMesh, shown.join(","))
    .argParser((text) => {
      const { mesh, problems } = readMesh(text, axes);
      if (problems.length === 0) return mesh;
      throw new InvalidArgumentError(problems.map((problem) => `\n  --mesh: ${problem}`).join(""));
    });
}

function readValues<Axis extends string, Extra extends ExampleOptions>(
  command: Command,
  spec: TrainingCommand<Axis, Extra>,
): TrainingOptions<Axis, Extra> {
  const { mesh, steps, seed, engine, threadsPerRank, json, checked, deterministic, report, progress } =
    command.opts<CommonOptions<Axis>>();
  const extra = Object.keys(spec.options ?? {}).map((key): [string, unknown] => [
    key,
    command.getOptionValue(key),
  ]);
  return {
    mesh,
    ranks: rankCount(mesh),
    steps,
    seed,
    engine,
    threadsPerRank,
    json,
    checked,
    deterministic,
    report,
    progress,
    extra: Object.fromEntries(extra) as OptionValues<Extra>,
  };
}
