/** Sums ranks; then rank 1 does what the first argument says. */
import { defineProgram, type ProgramContext } from "@meshwright/core";

export default defineProgram(({ world, options }: ProgramContext<{ args: readonly string[] }, never>) => {
  const [how] = options.args;
  const [sum] = world.group.allReduce(Float32Array.of(world.rank + 1));
  console.log(`sum ${sum!} of ${world.size}, ${how ?? "nothing"}`);
  if (world.rank === 1) {
    if (how === "throw") throw new RangeError("asked to fail");
    if (how === "die") process.kill(process.pid, "SIGKILL");
    if (how === "skip") return;
    // Until the end of the process.
    if (how === "stall") Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  }
  // Until somebody ends the job.
  while (how === "go on") world.group.allReduce(new Float32Array(1_000));
  if (how === "circle") world.group.receive(new Float32Array(2), 1 - world.rank, { label: "next" });
  world.group.allReduce(Float32Array.of(1), { label: "after" });
});
