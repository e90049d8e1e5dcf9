/**
 * `node --import tsx --conditions=@meshwright/source bench/collectives/main.ts [--samples N] [--json FILE]`
 *
 * @packageDocumentation
 */
import { writeFile } from "node:fs/promises";
import { Command } from "commander";
import { runCollectivesBench, type CollectivesBenchResult } from "./run.ts";

const options = new Command("collectives")
  .description("Latency and bandwidth of all-reduce between threads, and what waiting costs.")
  .option("--samples <n>", "samples per figure; the median counts", Number, 15)
  .option("--json <file>", "write the figures as JSON")
  .parse()
  .opts<{ samples: number; json?: string }>();

const result = await runCollectivesBench({ samples: options.samples });
console.log(linesOf(result).join("\n"));
if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(result, null, 2)}\n`);

function linesOf({ machine, latency, bandwidth, waiting }: CollectivesBenchResult): readonly string[] {
  return [
    `${machine.cpu}, ${machine.cores} cores, Node ${machine.node}; medians, best sample in brackets`,
    ...latency.map(
      ({ ranks, bytes, medianUs, minUs }) =>
        `all-reduce ${bytes} B on ${ranks} ranks: ${medianUs.toFixed(2)} us [${minUs.toFixed(2)}]`,
    ),
    ...bandwidth.map(
      ({ ranks, bytes, allReduceGBps, maxAllReduceGBps, memcpyGBps }) =>
        `all-reduce ${bytes / 1_048_576} MiB on ${ranks} ranks: ${allReduceGBps.toFixed(2)} GB/s [${maxAllReduceGBps.toFixed(2)}]; memcpy ${memcpyGBps.toFixed(2)} GB/s`,
    ),
    ...waiting.map(({ ranks, slowdown, waitingCpuShare }) => {
      const share = waitingCpuShare === null ? "an unknown share" : `${(waitingCpuShare * 100).toFixed(2)} %`;
      return `one of ${ranks} ranks computes: ${slowdown.toFixed(3)} times as long where the others wait for it as where they are idle; each of them uses ${share} of a core`;
    }),
  ];
}
