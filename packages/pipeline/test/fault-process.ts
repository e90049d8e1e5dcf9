/**
 * Runs the pipeline with a fault on the processes of its MPI job; started by mpirun. Argument: the options of the run as JSON.
 *
 * @packageDocumentation
 */
import { launch } from "@meshwright/core";
import type program from "./programs/faults.ts";
import type { FaultOptions } from "./programs/faults.ts";

/** Which fault, and how long ranks wait for each other. */
export type FaultJob = FaultOptions & { readonly timeoutMs: number };

const { timeoutMs, ...options } = JSON.parse(process.argv[2]!) as FaultJob;
await launch<typeof program>(new URL("./programs/faults.ts", import.meta.url), {
  ...{ ranks: 2, engine: "cpu", timeoutMs, options },
});
console.log("no fault");
