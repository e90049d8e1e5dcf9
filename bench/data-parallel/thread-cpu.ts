/**
 * Processor time of the calling thread: what other programs on the machine do not disturb.
 *
 * @packageDocumentation
 */
import { readFileSync } from "node:fs";

/** Milliseconds; `NaN` where the system (other than Linux) does not say. */
export function threadCpuMs(): number {
  try {
    return Number(readFileSync("/proc/thread-self/schedstat", "utf8").split(" ")[0]) / 1e6;
  } catch {
    return NaN;
  }
}

/** Wall-clock and processor milliseconds of one sample. */
export interface Sample {
  readonly wallMs: number;
  readonly cpuMs: number;
}

/** Times `body`, which ends when all ranks have. */
export function timeHere(body: () => void): Sample {
  const cpuBefore = threadCpuMs();
  const start = performance.now();
  body();
  return { wallMs: performance.now() - start, cpuMs: threadCpuMs() - cpuBefore };
}
