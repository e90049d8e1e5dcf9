/**
 * The `meshwright` command. Each subcommand lies in a file of its own in `commands/`.
 *
 * @packageDocumentation
 */
import { Command, CommanderError } from "commander";
import { checkpointCommand } from "./commands/checkpoint.ts";
import { engineCommand } from "./commands/engine.ts";
import { runCommand } from "./commands/run.ts";
import { scheduleCommand } from "./commands/schedule.ts";
import { topologyCommand } from "./commands/topology.ts";
import { CheckpointError } from "../checkpoint/checkpoint-error.ts";
import { EngineInstallError } from "../engine-install/install-error.ts";
import { describeFailure } from "../runtime/describe-failure.ts";
import { ExitCode, UsageError } from "./exit-code.ts";
import { Interruption } from "./interruptible.ts";
import { JobError } from "./restart-job.ts";

/** Runs the command line `args` and returns the exit code; errors go to stderr. */
export async function main(args: readonly string[], about: { readonly version: string }): Promise<number> {
  const end = args.indexOf("--");
  const own = end === -1 ? args : args.slice(0, end);
  const programArgs = end === -1 ? [] : args.slice(end + 1);
  const root = new Command("meshwright")
    .description("Model parallelism for TensorFlow.js.")
    .version(about.version)
    .addCommand(runCommand(programArgs))
    .addCommand(scheduleCommand())
    .addCommand(checkpointCommand())
    .addCommand(engineCommand())
    .addCommand(topologyCommand());
  const problems: string[] = [];
  for (const command of withSubcommands(root)) {
    const help = nameOf(command);
    // Help and version are printed by commander, errors below.
    command.exitOverride().configureOutput({
      outputError: (text) => problems.push(`meshwright: ${onOneLine(text)}; see ${help} --help.`),
    });
  }
  try {
    await root.parseAsync([...own], { from: "user" });
    return ExitCode.done;
  } catch (error) {
    if (error instanceof CommanderError) {
      problems.forEach(print);
      return error.exitCode === 0 ? ExitCode.done : ExitCode.usage;
    }
    return explain(error);
  }
}

/** A command and all below it. */
function withSubcommands(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(withSubcommands)];
}

/** `meshwright checkpoint verify` */
function nameOf(command: Command): string {
  return command.parent === null ? command.name() : `${nameOf(command.parent)} ${command.name()}`;
}

function explain(error: unknown): number {
  if (error instanceof Interruption) return error.exitCode;
  if (error instanceof UsageError) {
    print(error.message);
    return ExitCode.usage;
  }
  if (error instanceof JobError) {
    print(error.message);
    return error.exitCode;
  }
  // They say all there is to say; a stack would not help.
  if (error instanceof CheckpointError || error instanceof EngineInstallError) {
    print(error.message);
    return ExitCode.failed;
  }
  print(describeFailure(error));
  return ExitCode.failed;
}

/** Commander's text without its prefix, line breaks and full stop. */
function onOneLine(text: string): string {
  return text
    .trim()
    .replace(/^error: /, "")
    .replaceAll(/\s*\n\s*/g, " ")
    .replace(/\.$/, "");
}

function print(text: string): void {
  process.stderr.write(`${text}\n`);
}
