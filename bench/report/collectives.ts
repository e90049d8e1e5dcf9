/**
 * The collectives benchmark as tables.
 *
 * @packageDocumentation
 */
import type { CollectivesBenchResult } from "../collectives/run.ts";
import type { Section } from "./table.ts";

const MIB = 1_048_576;

/** Latency, bandwidth, and what waiting costs. */
export function collectivesSections(result: CollectivesBenchResult): Section[] {
  const { latency, bandwidth, waiting, samples } = result;
  return [
    {
      title: `All-reduce between threads; ${samples} samples, interleaved with memcpy of the same bytes by all ranks`,
      table: {
        header: ["", "ranks", "median", "best", "memcpy"],
        rows: [
          ...latency.map(({ ranks, bytes, medianUs, minUs }) => [
            `${bytes} B`,
            String(ranks),
            `${medianUs.toFixed(2)} us`,
            `${minUs.toFixed(2)} us`,
            "-",
          ]),
          ...bandwidth.map(({ ranks, bytes, allReduceGBps, maxAllReduceGBps, memcpyGBps }) => [
            `${bytes / MIB} MiB`,
            String(ranks),
            `${allReduceGBps.toFixed(2)} GB/s`,
            `${maxAllReduceGBps.toFixed(2)} GB/s`,
            `${memcpyGBps.toFixed(2)} GB/s`,
          ]),
        ],
      },
    },
    {
      title: "One rank computes while the others wait for it",
      table: {
        header: ["ranks", "time, against alone", "core used by a waiting rank"],
        rows: waiting.map(({ ranks, slowdown, waitingCpuShare }) => [
          String(ranks),
          `${slowdown.toFixed(3)}x`,
          waitingCpuShare === null ? "-" : `${(waitingCpuShare * 100).toFixed(2)} %`,
        ]),
      },
    },
  ];
}
