/**
 * What the benchmark asks of a rank, and what the rank measures. Plain data.
 *
 * @packageDocumentation
 */
import type { ThreadsArena } from "../../packages/core/src/transport/threads/arena.ts";

/** One measurement, made by all ranks together. */
export type Measurement =
  | { readonly kind: "latency"; readonly bytes: number; readonly calls: number }
  | { readonly kind: "bandwidth"; readonly bytes: number; readonly calls: number }
  | { readonly kind: "memcpy"; readonly bytes: number; readonly calls: number }
  /** Rank 0 computes for `turns` turns; the others wait for it in a barrier, or stay out of the way. */
  | { readonly kind: "waiting"; readonly turns: number; readonly others: "wait" | "idle" };

/** What the main thread sends. */
export interface RankTask {
  readonly arena: ThreadsArena;
  readonly rank: number;
  readonly measurement: Measurement;
}

/** What a rank answers. */
export interface RankSample {
  /** Milliseconds of wall-clock time per call (or for the whole computation). */
  readonly ms: number;
  /** Milliseconds of processor time of this thread meanwhile; `null` where the system does not say. */
  readonly cpuMs: number | null;
}
