/**
 * `pnpm bench [names...] [--quick] [--seed N] [--json FILE]`, or `pnpm bench NAME [its options]` for those in `alone.ts`.
 *
 * @packageDocumentation
 */
import { writeFile } from "node:fs/promises";
import { Argument, Command } from "commander";
import { ALONE, findAlone } from "./alone.ts";
import { conditionsLine, currentConditions } from "./conditions.ts";
import { plainSections } from "./report/table.ts";
import { sectionsOf } from "./report/sections.ts";
import { BENCHMARKS, runBenchmark, type BenchmarkName, type BenchResults } from "./results.ts";

const NAMES = Object.keys(BENCHMARKS) as BenchmarkName[];

const alone = findAlone(process.argv[2]);
if (alone === undefined) await runSuites();
else {
  process.argv.splice(2, 1);
  await import(alone.href);
}

async function runSuites(): Promise<void> {
  const command = new Command("bench")
    .description(
      `Measures on this machine, everything that is compared in turn:\n${list(BENCHMARKS)}\nwith options of their own (pnpm bench NAME --help):\n${list(ALONE)}`,
    )
    .addArgument(new Argument("[names...]", "which ones; default: all").choices(NAMES))
    .option("--quick", "few samples: shows that it runs, not how fast", false)
    .option("--seed <n>", "of initial weights and tokens", Number, 1)
    .option("--json <file>", "write the figures as JSON")
    .parse();
  const { quick, seed, json } = command.opts<{ quick: boolean; seed: number; json?: string }>();
  const wanted = command.args.length === 0 ? NAMES : NAMES.filter((name) => command.args.includes(name));

  let results: BenchResults = { ...currentConditions(), seed, quick };
  console.log(`${conditionsLine(results)}\n`);
  for (const name of wanted) {
    const start = performance.now();
    results = { ...results, ...(await runBenchmark(name, { quick, seed })) };
    console.log(plainSections(sectionsOf(name, results)));
    console.log(`(${name}: ${((performance.now() - start) / 1000).toFixed(0)} s)\n`);
  }
  if (json !== undefined) await writeFile(json, `${JSON.stringify(results, null, 2)}\n`);
}

function list(benchmarks: Readonly<Record<string, string>>): string {
  return Object.entries(benchmarks)
    .map(([name, what]) => `  ${name.padEnd(18)} ${what}`)
    .join("\n");
}
