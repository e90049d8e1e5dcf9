/**
 * `meshwright schedule`: what a pipeline schedule costs, and its picture. The work is done by `@meshwright/pipeline`.
 *
 * @packageDocumentation
 */
import { writeFileSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { Command } from "commander";
import { UsageError } from "../exit-code.ts";
import { importPackage } from "../import-package.ts";
import { interruptible } from "../interruptible.ts";
import { nonNegative, positiveInteger, threeNonNegatives } from "../number-option.ts";

interface ScheduleFlags {
  readonly name: string;
  readonly stages: number;
  readonly microBatches: number;
  readonly chunks?: number;
  readonly recompute: boolean;
  readonly costs: readonly [number, number, number];
  readonly latency: number;
  readonly width: number;
  /** `false` after `--no-svg`. */
  readonly svg: string | false;
  readonly trace?: string;
  readonly json?: string;
}

/** What this command uses of `@meshwright/pipeline`. */
interface PipelinePackage {
  readonly exploreSchedule: (
    options: Omit<ScheduleFlags, "svg" | "trace" | "json"> & { readonly color: boolean },
  ) => {
    readonly text: string;
    readonly svg: string;
    readonly trace: string;
    readonly json: string;
  };
}

const WHERE = "meshwright schedule";
const PACKAGE = "@meshwright/pipeline";

/** Columns where the output is no terminal. */
const DEFAULT_WIDTH = 160;

/** The `schedule` command. */
export function scheduleCommand(): Command {
  return new Command("schedule")
    .description("simulate and draw a pipeline schedule")
    .requiredOption("--name <name>", "gpipe, 1f1b, interleaved, looped-bfs, zb-h1 or zbv")
    .requiredOption("--stages <p>", "ranks of the pipeline, each with a stage per chunk", positiveInteger)
    .requiredOption("--micro-batches <m>", "micro-batches per step", positiveInteger)
    .option("--chunks <v>", "chunks of the model per rank (default: the schedule's own)", positiveInteger)
    .option("--recompute", "run the forward pass again before the backward pass", false)
    .option(
      "--costs <F,I,W>",
      "forward, input gradient and weight gradient of one micro-batch on one rank",
      threeNonNegatives,
      [1, 1, 1] as const,
    )
    .option("--latency <time>", "between two ranks, in the unit of the costs", nonNegative, 0)
    .option(
      "--width <columns>",
      "of the drawing in the terminal",
      positiveInteger,
      process.stdout.isTTY ? process.stdout.columns : DEFAULT_WIDTH,
    )
    .option("--svg <file>", "where the drawing is written", "schedule.svg")
    .option("--no-svg", "write no drawing")
    .option("--trace <file>", "write Chrome trace JSON, for https://ui.perfetto.dev")
    .option("--json <file>", "write the figures and the actions")
    .action(explore);
}

async function explore({ svg, trace, json, ...flags }: ScheduleFlags): Promise<void> {
  const { exploreSchedule } = asPipeline(await importPackage(PACKAGE, WHERE));
  const color = process.stdout.isTTY && process.stdout.hasColors();
  const exploration = asUsageError(() => exploreSchedule({ ...flags, color }));
  const written = [
    ...write("--svg", svg, exploration.svg),
    ...write("--trace", trace, exploration.trace),
    ...write("--json", json, exploration.json),
  ];
  await interruptible(async (signal) => {
    process.stdout.write([exploration.text, ...written, ""].join("\n"));
    // A pipe that nobody reads any more reports its error in a later turn.
    await setImmediate();
    signal.throwIfAborted();
  });
}

function asPipeline(module: unknown): PipelinePackage {
  if (isPipeline(module)) return module;
  throw new UsageError(
    `${WHERE}: package ${PACKAGE} (installed) must have exploreSchedule; use the version of @meshwright/core for both.`,
  );
}

function isPipeline(module: unknown): module is PipelinePackage {
  return (
    typeof module === "object" &&
    module !== null &&
    "exploreSchedule" in module &&
    typeof module.exploreSchedule === "function"
  );
}

/** By name: the package may have loaded a copy of its own of this one. */
function asUsageError<T>(body: () => T): T {
  try {
    return body();
  } catch (error) {
    if (error instanceof Error && error.name === "ContractError")
      throw new UsageError(error.message, { cause: error });
    throw error;
  }
}

/** Writes the file, if one is wanted, and returns what there is to say about it. */
function write(flag: string, file: string | false | undefined, text: string): string[] {
  if (file === undefined || file === false) return [];
  try {
    writeFileSync(file, text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(
      `${WHERE}: ${flag} (${file}) must be a file that can be written (${reason}); use another path.`,
      { cause },
    );
  }
  return [`wrote ${file}`];
}
