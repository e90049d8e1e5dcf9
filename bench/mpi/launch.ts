/**
 * Runs the loop on the ranks that mpirun started, and prints the figures as a line of JSON. Arguments: the number of ranks,
 * and the options as JSON.
 *
 * @packageDocumentation
 */
import { launch } from "@meshwright/core";
import type program from "./program.ts";
import type { LoopOptions } from "./program.ts";

const [ranks, options] = process.argv.slice(2) as [string, string];
const results = await launch<typeof program>(new URL("./program.ts", import.meta.url), {
  ...{ ranks: Number(ranks), engine: "cpu", options: JSON.parse(options) as LoopOptions },
});
console.log(JSON.stringify(results[0]));
