import { defineProgram, type ProgramContext } from "../../../src/runtime/program.ts";

/** Rank 0 sends two messages; rank 1 takes `options.taken` of them. */
export default defineProgram(
  ({ world, options }: ProgramContext<{ value: number; taken: number }, never>) => {
    const evens = world.createGroup([0, world.size - 1], { name: "ends" });
    const received: number[] = [];
    if (evens.rank === 0) {
      evens.send(Float32Array.of(options.value), 1);
      evens.send(Float32Array.of(options.value + 1), 1);
    } else {
      for (let index = 0; index < options.taken; index++) {
        received.push(...evens.receive(new Float32Array(1), 0));
      }
    }
    evens.barrier();
    return received;
  },
);
