/**
 * The overhead benchmark as a table.
 *
 * @packageDocumentation
 */
import type { OverheadBenchResult } from "../sharding/run.ts";
import type { Section } from "./table.ts";

/** One row per operation and world. */
export function overheadSections(result: OverheadBenchResult): Section[] {
  const { engine, samples, callsPerSample, figures } = result;
  return [
    {
      title: `Tiny operations, plain tfjs and sharded; engine ${engine}, ${samples} samples of ${callsPerSample} operations, interleaved`,
      table: {
        header: ["operation, result freed", "ranks", "plain (us)", "sharded (us)", "ratio"],
        rows: figures.map(({ name, ranks, plainMicroseconds, shardedMicroseconds, ratio }) => [
          name,
          String(ranks),
          plainMicroseconds.toFixed(2),
          shardedMicroseconds.toFixed(2),
          `${ratio.toFixed(2)}x`,
        ]),
      },
    },
  ];
}
