/**
 * `pnpm bench context-parallel [--samples N] [--positions T ...]`
 *
 * Causal attention over a sequence on one rank, and split over two.
 *
 * @packageDocumentation
 */
import { createWorld } from "@meshwright/core";
import { Command } from "commander";
import type attention from "./attention.ts";

const { samples, positions } = new Command("context-parallel")
  .description("Milliseconds and memory of causal attention, dense and by a ring of two ranks.")
  .option("--samples <n>", "samples per figure; the best counts", Number, 5)
  .option("--positions <t...>", "lengths of the sequence", ["1024", "2048", "4096"])
  .parse()
  .opts<{ samples: number; positions: readonly string[] }>();

console.log("positions  ranks  ms  MiB per rank");
for (const length of positions.map(Number)) {
  for (const ranks of [1, 2]) {
    const world = await createWorld({ ranks, engine: "wasm" });
    const results = await world
      .run<typeof attention>(new URL("./attention.ts", import.meta.url), {
        ...{ positions: length, heads: 4, headFeatures: 64, samples },
      })
      .finally(() => world.close());
    const best = Math.max(...results.map(({ milliseconds }) => Math.min(...milliseconds)));
    const mebibytes = Math.max(...results.map((result) => result.heapBytes)) / 2 ** 20;
    console.log(`${length}  ${ranks}  ${best.toFixed(0)}  ${mebibytes.toFixed(0)}`);
  }
}
