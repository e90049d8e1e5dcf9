import { defineProgram, type ProgramContext } from "../../../src/runtime/program.ts";

/** Rank 0 sends two messages; the last rank takes `options.taken` of them; those between have left. */
export default defineProgram(
  ({ world, options }: ProgramContext<{ value: number; taken: number }, never>) => {
    if (world.rank > 0 && world.rank < world.size - 1) return [];
    const ends = world.createGroup([0, world.size - 1], { name: "ends" });
    const received: number[] = [];
    if (ends.rank === 0) {
      ends.send(Float32Array.of(options.value), 1);
      ends.send(Float32Array.of(options.value + 1), 1);
    } else {
      for (let index = 0; index < options.taken; index++) {
        received.push(...ends.receive(new Float32Array(1), 0));
      }
    }
    ends.barrier();
    return received;
  },
);
