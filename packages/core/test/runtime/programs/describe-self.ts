import { threadId } from "node:worker_threads";
import { memory, randomNormal } from "@tensorflow/tfjs";
import { defineProgram, type ProgramContext } from "../../../src/runtime/program.ts";

/** Says what a rank sees of itself and of its world. */
export default defineProgram(async ({ world, options, report }: ProgramContext<{ tag: string }, string>) => {
  report(`${options.tag} starts`);
  await Promise.resolve();
  world.group.barrier({ label: "describe" });
  report(`${options.tag} ends`);
  const drawn = randomNormal([2]);
  return {
    rank: world.rank,
    size: world.size,
    groupRanks: [...world.group.ranks],
    checked: world.checked,
    engine: world.engine.name,
    tag: options.tag,
    threadId,
    random: Math.random(),
    drawn: [...drawn.dataSync()],
    numTensors: memory().numTensors,
  };
});
