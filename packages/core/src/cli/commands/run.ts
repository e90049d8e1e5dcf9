/**
 * `meshwright run FILE`: runs a program on worker threads, or on the processes of an MPI job.
 *
 * @packageDocumentation
 */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { Command, Option } from "commander";
import { ContractError } from "../../errors.ts";
import { launch } from "../../runtime/launch.ts";
import { checkProgramFile } from "../../runtime/load-program.ts";
import { detectLauncher } from "../../transport/mpi/launcher.ts";
import type { Program } from "../../runtime/program.ts";
import { ENGINE_CHOICES } from "../../runtime/world-options.ts";
import { UsageError } from "../exit-code.ts";
import { interruptible } from "../interruptible.ts";
import { positiveInteger } from "../number-option.ts";

/** The options of a program that is started from the command line. */
export interface CommandLineOptions {
  /** Everything after `--`. */
  readonly args: readonly string[];
}

interface RunFlags {
  readonly ranks?: number;
  readonly engine: (typeof ENGINE_CHOICES)[number];
  readonly threadsPerRank?: number | undefined;
  readonly checked: boolean;
  readonly timeoutMs?: number | undefined;
  readonly deterministic: boolean;
}

/** The `run` command; `programArgs` is what the command line holds after `--`. */
export function runCommand(programArgs: readonly string[]): Command {
  return new Command("run")
    .description("run a program on every rank of a world: worker threads, or the processes of an MPI job")
    .usage("FILE [options] [-- args]")
    .argument("FILE", "program file: its default export is made by defineProgram")
    .option(
      "--ranks <n>",
      "number of ranks, one worker thread each (default: 1, or the processes that mpirun or srun started)",
      positiveInteger,
    )
    .addOption(
      new Option("--engine <name>", "tfjs backend that computes").choices(ENGINE_CHOICES).default("auto"),
    )
    .option(
      "--threads-per-rank <n>",
      "threads that the tensorflow engine computes with (default: 1)",
      positiveInteger,
    )
    .option("--checked", "compare arguments and replicas across ranks before they are used", false)
    .option("--timeout-ms <n>", "how long a collective waits for a rank", positiveInteger)
    .option("--deterministic", "over MPI: reduce in the order of ranks, with the bits of threads", false)
    .addHelpText("after", "\nEverything after -- reaches the program as options.args.")
    .action((file: string, flags: RunFlags) => run(file, flags, programArgs));
}

async function run(file: string, flags: RunFlags, args: readonly string[]): Promise<void> {
  const program = pathToFileURL(resolve(file));
  try {
    checkProgramFile("meshwright run", program);
  } catch (error) {
    if (error instanceof ContractError) throw new UsageError(error.message);
    throw error;
  }
  const options: CommandLineOptions = { args };
  const ranks = flags.ranks ?? detectLauncher(process.env)?.size ?? 1;
  await interruptible((signal) =>
    launch<Program<CommandLineOptions>>(program, { ...flags, ranks, options, signal }),
  );
}
