import { defineProgram } from "../../../src/runtime/program.ts";

/** Rank 1 calls another collective than the others. */
export default defineProgram(({ world }) => {
  const buffer = new Float32Array(6);
  if (world.rank === 1) world.group.broadcast(buffer);
  else world.group.allReduce(buffer);
});
