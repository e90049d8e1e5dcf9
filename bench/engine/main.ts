/**
 * `node --import tsx --conditions=@meshwright/source bench/engine/main.ts [--samples N] [--filter TEXT] [--json FILE]`
 *
 * @packageDocumentation
 */
import { writeFile } from "node:fs/promises";
import { Command } from "commander";
import { runEngineBench, type EngineBenchResult } from "./run.ts";

const options = new Command("engine")
  .description("The wasm engine's kernels beside the stock ones of tfjs-backend-wasm, on one thread.")
  .option("--samples <n>", "samples per figure; the median counts", Number, 9)
  .option("--filter <text>", "only cases whose name contains this text")
  .option("--json <file>", "write the figures as JSON")
  .parse()
  .opts<{ samples: number; filter?: string; json?: string }>();

const result = await runEngineBench({
  samples: options.samples,
  ...(options.filter === undefined ? {} : { filter: options.filter }),
});
console.log(tableOf(result));
if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(result, null, 2)}\n`);

function tableOf({ machine, products, kernels }: EngineBenchResult): string {
  const line = (name: string, own: string, stock: string): string =>
    `${name.padEnd(34)}${own.padStart(10)}${stock.padStart(10)}`;
  return [
    `${machine.cpu}, ${machine.cores} cores, Node ${machine.node}; one thread`,
    line("GFLOP/s", "engine", "stock"),
    ...products.map(({ name, gflops, stockGflops }) => line(name, gflops.toFixed(1), stockGflops.toFixed(1))),
    line("ns per element", "engine", "stock"),
    ...kernels.map(({ name, nsPerElement, stockNsPerElement }) =>
      line(name, nsPerElement.toFixed(2), stockNsPerElement?.toFixed(2) ?? "-"),
    ),
  ].join("\n");
}
