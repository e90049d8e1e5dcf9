/**
 * One rank of the collectives benchmark.
 *
 * @packageDocumentation
 */
import { readFileSync } from "node:fs";
import { parentPort } from "node:worker_threads";
import { createLedger } from "../../packages/core/src/collectives/create-ledger.ts";
import { createProcessGroup } from "../../packages/core/src/collectives/create-process-group.ts";
import type { ProcessGroup } from "../../packages/core/src/collectives/process-group.ts";
import { attachThreads } from "../../packages/core/src/transport/threads/attach.ts";
import type { Measurement, RankSample, RankTask } from "./measurement.ts";

parentPort?.on("message", (task: RankTask) => {
  const transport = attachThreads(task.arena, task.rank);
  const ranks = Array.from({ length: task.arena.ranks }, (_, rank) => rank);
  const group = createProcessGroup(transport, ranks, { name: "world", ledger: createLedger() });
  parentPort?.postMessage(measure(group, task.measurement));
  transport.finish();
});

function measure(group: ProcessGroup, measurement: Measurement): RankSample {
  switch (measurement.kind) {
    case "latency":
    case "bandwidth": {
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
    case "waiting": {
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

/** Arithmetic that no compiler can drop: its result decides nothing, but is checked. */
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
