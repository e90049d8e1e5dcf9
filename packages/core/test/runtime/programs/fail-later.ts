import { BroadcastChannel } from "node:worker_threads";
import { defineProgram, type ProgramContext } from "../../../src/runtime/program.ts";

/** Returns, and fails on rank 1 when told so through the channel `options`. */
export default defineProgram(({ world, options }: ProgramContext<string, never>) => {
  const channel = new BroadcastChannel(options);
  channel.onmessage = () => {
    channel.close();
    if (world.rank === 1) throw new RangeError("too late");
  };
  return "fine";
});
