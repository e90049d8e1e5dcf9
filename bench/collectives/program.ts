/**
 * What every rank of the collectives benchmark runs: a list of measurements, one after the other.
 *
 * @packageDocumentation
 */
import { readFileSync } from "node:fs";
import { defineProgram, type ProcessGroup } from "@meshwright/core";

/** One measurement, made by all ranks together. */
export type Measurement =
  | { readonly kind: "allReduce"; readonly bytes: number; readonly calls: number }
  | { readonly kind: "memcpy"; readonly bytes: number; readonly calls: number }
  /** Rank 0 computes for `turns` turns; the others wait for it in a barrier, or stay out of the way. */
  | { readonly kind: "compute"; readonly turns: number; readonly others: "wait" | "idle" };

/** What a rank measured. */
export interface RankSample {
  /** Milliseconds of wall-clock time per call (or for the whole computation). */
  readonly ms: number;
  /** Milliseconds of processor time of this thread meanwhile; `null` where the system does not say. */
  readonly cpuMs: number | null;
}

export default defineProgram<readonly Measurement[], never, readonly RankSample[]>(
  ({ world: { group }, options }) => options.map((measurement) => measure(group, measurement)),
);

function measure(group: ProcessGroup, measurement: Measurement): RankSample {
  switch (measurement.kind) {
    case "allReduce": {
      const buffer = new Float32Array(measurement.bytes / 4);
      return timed(group, measurement.calls, () => {
        group.allReduce(buffer);
      });
    }
    case "memcpy": {
      const source = new Float32Array(measurement.bytes / 4).fill(1);
      const target = new Float32Array(measurement.bytes / 4);
      return timed(group, measurement.calls, () => {
        target.set(source);
      });
    }
    case "compute": {
      const { turns, others } = measurement;
      group.barrier();
      return sample(1, () => {
        if (group.rank === 0) compute(turns);
        if (others === "wait") group.barrier();
      });
    }
  }
}

/** All ranks do `body` at the same time, after a few calls that are not timed. */
function timed(group: ProcessGroup, calls: number, body: () => void): RankSample {
  for (let call = 0; call < Math.max(2, calls / 4); call++) body();
  group.barrier();
  return sample(calls, body);
}

function sample(calls: number, body: () => void): RankSample {
  const cpuBefore = threadCpuMs();
  const start = performance.now();
  for (let call = 0; call < calls; call++) body();
  const ms = (performance.now() - start) / calls;
  const cpuAfter = threadCpuMs();
  return { ms, cpuMs: cpuBefore === null || cpuAfter === null ? null : cpuAfter - cpuBefore };
}

/** Integer arithmetic that no compiler can drop, because its result is looked at. */
function compute(turns: number): void {
  let state = 1;
  for (let turn = 0; turn < turns; turn++) state = (Math.imul(state, 1664525) + 1013904223) | 0;
  if (!Number.isInteger(state)) throw new RangeError("not an integer");
}

/** Processor time of the calling thread (Linux). */
function threadCpuMs(): number | null {
  try {
    return Number(readFileSync("/proc/thread-self/schedstat", "utf8").split(" ")[0]) / 1e6;
  } catch {
    return null;
  }
}
