/**
 * `pnpm bench redistribute [--rounds N]`: what a collective over two axes, and one into another buffer, save.
 *
 * @packageDocumentation
 */
import { createWorld } from "@meshwright/core";
import { Command } from "commander";
import { conditionsLine, currentConditions } from "../conditions.ts";
import { medianRatio } from "../statistics.ts";
import type program from "./program.ts";
import type { Comparison } from "./program.ts";

const { rounds } = new Command("redistribute")
  .description("All-reduces over two axes, and into another buffer, against the ways without them.")
  .option("--rounds <n>", "samples per figure, in turn", Number, 25)
  .parse()
  .opts<{ rounds: number }>();

const KIB = 1024;
const MIB = 1024 * KIB;

console.log(conditionsLine(currentConditions()));
await compare("two all-reduces, against one over 2 x 2 ranks", 4, "fused", [4, 64 * KIB, MIB, 4 * MIB]);
await compare("copy and all-reduce in place, against into", 2, "into", [256 * KIB, MIB, 4 * MIB, 16 * MIB]);

async function compare(
  title: string,
  ranks: number,
  kind: Comparison["kind"],
  sizes: readonly number[],
): Promise<void> {
  const world = await createWorld({ ranks, engine: "wasm" });
  const options = sizes.map((bytes) => ({ kind, bytes, rounds, calls: bytes >= MIB ? 5 : 100 }));
  const results = await world
    .run<typeof program>(new URL("./program.ts", import.meta.url), options)
    .finally(() => world.close());
  console.log(`\n${title}\nbytes      fastest (us)            ratio of fastest  median of ratios`);
  results[0]!.forEach(({ before, after }, i) => {
    const [slow, fast] = [Math.min(...before), Math.min(...after)];
    const times = `${(1000 * slow).toFixed(1)} -> ${(1000 * fast).toFixed(1)}`;
    console.log(
      `${String(sizes[i]).padEnd(11)}${times.padEnd(24)}${(fast / slow).toFixed(2).padEnd(18)}${medianRatio(after, before).toFixed(2)}`,
    );
  });
}
