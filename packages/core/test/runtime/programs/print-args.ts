import { defineProgram, type ProgramContext } from "../../../src/runtime/program.ts";

/** Prints its command line; with "fail" the last rank fails. */
export default defineProgram(({ world, options }: ProgramContext<{ args: string[] }, never>) => {
  if (options.args.includes("fail") && world.rank === world.size - 1) throw new RangeError("asked to fail");
  console.log(JSON.stringify(options));
});
