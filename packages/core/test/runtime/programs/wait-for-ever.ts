import { defineProgram, type ProgramContext } from "../../../src/runtime/program.ts";

/** Says that it is there, then never lets go of its thread. */
export default defineProgram(({ world, report }: ProgramContext<unknown, string>) => {
  report("here");
  console.log(`rank ${world.rank} is here`);
  for (;;) Math.sqrt(world.rank);
});
