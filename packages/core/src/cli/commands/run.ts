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
import type { CommandLineOptions } from "../../runtime/command-line-options.ts";
import type { Program } from "../../runtime/program.ts";
import { ENGINE_CHOICES } from "../../runtime/world-options.ts";
import { readTopology } from "../../topology/read-topology.ts";
import type { Topology } from "../../topology/topology.ts";
import { UsageError } from "../exit-code.ts";
import { interruptible } from "../interruptible.ts";
import { nonNegativeInteger, positiveInteger } from "../number-option.ts";
import { restartJob } from "../restart-job.ts";

interface RunFlags {
  readonly ranks?: number;
  readonly engine: (typeof ENGINE_CHOICES)[number];
  readonly threadsPerRank?: number | undefined;
  readonly checked: boolean;
  readonly timeoutMs?: number | undefined;
  readonly deterministic: boolean;
  readonly topology?: string;
  readonly resume: (typeof RESUME_CHOICES)[number];
  readonly maxRestarts: number;
  readonly launcher?: string;
}

const RESUME_CHOICES = ["never", "auto"] as const;

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
    .option(
      "--topology <file>",
      "speed of the links between ranks, as meshwright topology --save FILE measured it",
    )
    .addOption(
      new Option(
        "--resume <when>",
        "auto: tell the program to go on from its latest checkpoint, if it has one",
      )
        .choices(RESUME_CHOICES)
        .default("never"),
    )
    .option("--max-restarts <n>", "start the whole job again if it fails, so often", nonNegativeInteger, 0)
    .option("--launcher <command>", 'command that starts the ranks, as "mpirun -np 4"')
    .addHelpText("after", "\nEverything after -- reaches the program as options.args.")
    .action((file: string, flags: RunFlags) => run(file, flags, programArgs));
}

async function run(file: string, flags: RunFlags, args: readonly string[]): Promise<void> {
  const { resume, maxRestarts, launcher, topology: topologyFile, ...settings } = flags;
  const program = pathToFileURL(resolve(file));
  let topology: Topology | undefined;
  try {
    checkProgramFile("meshwright run", program);
    if (topologyFile !== undefined) topology = readTopology(topologyFile);
  } catch (error) {
    if (error instanceof ContractError) throw new UsageError(error.message);
    throw error;
  }
  if (launcher !== undefined || maxRestarts > 0) {
    checkRestarts(flags);
    await watchJob(file, flags, args);
    return;
  }
  const options: CommandLineOptions = { args, resume: resume === "auto" };
  const ranks = flags.ranks ?? detectLauncher(process.env)?.size ?? 1;
  await interruptible((signal) =>
    launch<Program<CommandLineOptions>>(program, { ...settings, ranks, topology, options, signal }),
  );
}

function checkRestarts({ resume, maxRestarts, launcher }: RunFlags): void {
  const option = maxRestarts > 0 ? `--max-restarts (${maxRestarts})` : `--launcher (${launcher!})`;
  const started = detectLauncher(process.env);
  if (started !== undefined) {
    throw new UsageError(
      `meshwright run: ${option} must be given outside the job that ${started.name} started, which cannot start itself again; use meshwright run FILE --launcher "mpirun ..." ${option.slice(0, option.indexOf(" "))} ....`,
    );
  }
  if (maxRestarts > 0 && resume === "never") {
    throw new UsageError(
      `meshwright run: ${option} must go with --resume auto (never), or every restart begins at the first step; use --resume auto.`,
    );
  }
  if (launcher?.trim() === "") {
    throw new UsageError(`meshwright run: --launcher () must be a command; use --launcher "mpirun -np 4".`);
  }
}

/** The same command without the options that concern restarts, as a job of its own. */
async function watchJob(file: string, flags: RunFlags, args: readonly string[]): Promise<void> {
  const { ranks, engine, threadsPerRank, checked, timeoutMs, deterministic, topology, resume } = flags;
  const numbers = { "--ranks": ranks, "--threads-per-rank": threadsPerRank, "--timeout-ms": timeoutMs };
  const command = [
    ...(flags.launcher?.trim().split(/\s+/) ?? []),
    ...[process.execPath, ...process.execArgv, process.argv[1]!, "run", file],
    ...["--engine", engine, "--resume", resume],
    ...Object.entries(numbers).flatMap(([name, value]) => (value === undefined ? [] : [name, String(value)])),
    ...(topology === undefined ? [] : ["--topology", topology]),
    ...(checked ? ["--checked"] : []),
    ...(deterministic ? ["--deterministic"] : []),
    ...["--", ...args],
  ];
  await interruptible((signal) =>
    restartJob(command, {
      ...{ maxRestarts: flags.maxRestarts, signal },
      log: (line) => process.stderr.write(`${line}\n`),
    }),
  );
}
