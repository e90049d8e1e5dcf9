import { setImmediate } from "node:timers/promises";
import { defineProgram, type ProgramContext } from "../../../src/runtime/program.ts";

/** How the failing rank fails, and what the others do meanwhile. */
export interface FailOptions {
  readonly failing: number;
  readonly how: "throw" | "throw-text" | "exit" | "reject" | "uncaught" | "exhaust-memory" | "return";
  readonly others: "barrier" | "spin" | "sleep" | "await";
  /** Counts the ranks that are where they should be when the failure happens. */
  readonly arrivals: Int32Array;
}

class OddError extends TypeError {
  override readonly name: string = "OddError";
  readonly details = { layer: 3, sizes: [2, 5] };
}

/** One rank fails once all others are busy. */
export default defineProgram(async ({ world, options }: ProgramContext<FailOptions, never>) => {
  const { arrivals, failing, how, others } = options;
  if (world.rank !== failing) {
    Atomics.add(arrivals, 0, 1);
    Atomics.notify(arrivals, 0);
    if (others === "barrier") world.group.barrier();
    if (others === "spin") for (;;) Math.sqrt(arrivals.length);
    if (others === "sleep") Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    return new Promise<string>(() => undefined);
  }
  for (let seen = 0; seen < world.size - 1; seen = Atomics.load(arrivals, 0)) Atomics.wait(arrivals, 0, seen);
  switch (how) {
    case "throw":
      throw new OddError("odd size", { cause: new RangeError("5 is odd") });
    case "throw-text":
      // A program may throw anything.
      // eslint-disable-next-line @typescript-eslint/only-throw-error
      throw "a text";
    case "exit":
      process.exit(1);
      break;
    case "reject":
      void Promise.reject(new OddError("nobody waits for this"));
      await new Promise<never>(() => undefined);
      break;
    case "uncaught":
      queueMicrotask(() => {
        throw new OddError("nobody can catch this");
      });
      await setImmediate();
      break;
    case "exhaust-memory":
      for (const hoard: object[] = []; ;) hoard.push({ size: hoard.length });
    case "return":
      break;
  }
  return "returned";
});
