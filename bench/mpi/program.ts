/**
 * The loop in TypeScript: what `loop.c` does, over any transport.
 *
 * @packageDocumentation
 */
import { defineProgram, type ProcessGroup } from "@meshwright/core";
import type { Case } from "./cases.ts";

/** Settings of one run. */
export interface LoopOptions {
  readonly cases: readonly Case[];
  readonly samples: number;
}

/** Allocators of MPI's buffers take some calls to settle. As in `loop.c` and `gloo.py`. */
const WARM_UP_CALLS = 20;

/** Returns, per case, the median of the microseconds per call; each sample is that of the slowest rank. */
export default defineProgram<LoopOptions, never, readonly number[]>(({ world: { group }, options }) =>
  options.cases.map((each) => measure(group, each, options.samples)),
);

function measure(group: ProcessGroup, { collective, bytes, calls }: Case, samples: number): number {
  const body = callOf(group, collective, bytes / 4);
  for (let call = 0; call < Math.max(WARM_UP_CALLS, calls / 4); call++) body();
  const times = Array.from({ length: samples }, () => {
    group.barrier();
    const start = performance.now();
    for (let call = 0; call < calls; call++) body();
    const own = Float32Array.of(((performance.now() - start) * 1000) / calls);
    return group.allReduce(own, { op: "max" })[0]!;
  });
  return times.toSorted((a, b) => a - b)[Math.floor(samples / 2)]!;
}

function callOf(group: ProcessGroup, collective: Case["collective"], length: number): () => unknown {
  const { size } = group;
  const piece = Math.max(1, Math.floor(length / size));
  const whole = new Float32Array(piece * size).fill(1);
  const part = new Float32Array(piece);
  switch (collective) {
    case "allReduce": {
      const buffer = new Float32Array(length);
      return () => group.allReduce(buffer);
    }
    case "allGather":
      return () => group.allGather(part, { into: whole });
    case "reduceScatter":
      return () => group.reduceScatter(whole, { into: part });
    case "allToAll": {
      const into = new Float32Array(piece * size);
      return () => group.allToAll(whole, { into });
    }
    case "broadcast": {
      const buffer = new Float32Array(length);
      return () => group.broadcast(buffer);
    }
    case "barrier":
      return () => {
        group.barrier();
      };
  }
}
