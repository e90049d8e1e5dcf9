/**
 * `meshwright topology`: measures what messages cost between every pair of ranks.
 *
 * @packageDocumentation
 */
import { existsSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { Command } from "commander";
import { launch } from "../../runtime/launch.ts";
import { programEntry } from "../../runtime/worker-entry.ts";
import { detectLauncher } from "../../transport/mpi/launcher.ts";
import { describeTopology } from "../../topology/describe-topology.ts";
import type program from "../../topology/measure-program.ts";
import { UsageError } from "../exit-code.ts";
import { interruptible } from "../interruptible.ts";
import { positiveInteger } from "../number-option.ts";

interface TopologyFlags {
  readonly ranks?: number;
  readonly bytes: number;
  readonly samples: number;
  readonly json: boolean;
  readonly save?: string;
}

/** The `topology` command. */
export function topologyCommand(): Command {
  return new Command("topology")
    .description(
      "measure latency and bandwidth between ranks: worker threads, or the processes of an MPI job",
    )
    .option(
      "--ranks <n>",
      "number of ranks (default: 2, or the processes that mpirun or srun started)",
      positiveInteger,
    )
    .option("--bytes <n>", "size of the message for the bandwidth", positiveInteger, 1_048_576)
    .option("--samples <n>", "samples per figure; the median counts", positiveInteger, 9)
    .option("--json", "print JSON", false)
    .option("--save <file>", "write it as JSON, for meshwright run --topology FILE")
    .action(measure);
}

async function measure({ ranks, bytes, samples, json, save }: TopologyFlags): Promise<void> {
  if (save !== undefined) checkFolder(save);
  const size = ranks ?? detectLauncher(process.env)?.size ?? 2;
  const found = await interruptible((signal) =>
    launch<typeof program>(programEntry("topology/measure-program"), {
      ...{ ranks: size, engine: "cpu", options: { bytes, samples }, signal },
    }),
  );
  if (save !== undefined) writeFileSync(save, `${JSON.stringify(found, undefined, 2)}\n`);
  console.log(json ? JSON.stringify(found, undefined, 2) : describeTopology(found, bytes));
}

/** Said before it is measured, which takes a while. */
function checkFolder(file: string): void {
  const folder = dirname(resolve(file));
  if (existsSync(folder)) return;
  throw new UsageError(
    `meshwright topology: --save (${file}) must be in a folder that exists (${folder}); make it.`,
  );
}
