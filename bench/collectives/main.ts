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
  .option("--chunk <bytes>", "bytes of one outbox slot", Number)
  .option("--json <file>", "write the figures as JSON")
  .parse()
  .opts<{ samples: number; chunk?: number; json?: string }>();

const result = await runCollectivesBench({
  samples: options.samples,
  ...(options.chunk === undefined ? {} : { chunkBytes: options.chunk }),
});
console.log(tableOf(result));
if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(result, null, 2)}\n`);

function tableOf({ machine, latency, bandwidth, waiting }: CollectivesBenchResult): string {
  return [
    `${machine.cpu}, ${machine.cores} cores, Node ${machine.node}`,
    ...latency.map(
      ({ ranks, bytes, microseconds }) =>
        `all-reduce ${bytes} B, ${ranks} ranks: ${microseconds.toFixed(2)} us`,
    ),
    ...bandwidth.map(
      ({ ranks, bytes, allReduceGBps, memcpyGBps }) =>
        `all-reduce ${bytes / 1_048_576} MiB, ${ranks} ranks: ${allReduceGBps.toFixed(2)} GB/s (memcpy ${memcpyGBps.toFixed(2)} GB/s)`,
    ),
    ...waiting.map(({ ranks, slowdown, waitingCpuShare }) => {
      const share = waitingCpuShare === null ? "unknown" : `${(waitingCpuShare * 100).toFixed(2)} %`;
      return `one of ${ranks} ranks computes, the others wait: ${slowdown.toFixed(3)}x the time alone; a waiting rank uses ${share} of a core`;
    }),
  ].join("\n");
}
