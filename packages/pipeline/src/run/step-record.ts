/**
 * What a rank notes while it runs its steps.
 *
 * @packageDocumentation
 */
import { localBytes } from "@meshwright/sharding";
import type { Pullback } from "@meshwright/core";
import type { Schedule } from "../schedule.ts";
import type { Timeline, TimelineEvent } from "../timeline-record.ts";

/** The work of one rank in one step. Plain data. */
export interface RankTimeline {
  /** Milliseconds since the Unix epoch, by the clock that all threads share. */
  readonly startMs: number;
  /** Milliseconds from `startMs`. */
  readonly events: readonly TimelineEvent[];
}

/** What a rank noted in one step. */
export interface StepRecord {
  readonly timeline: RankTimeline;
  /** The most forward passes that waited for their backward pass at one time: pairs of micro-batch and chunk. */
  readonly peakLive: number;
  /** The most bytes of activations that they kept on this rank; undefined unless asked for. */
  readonly peakBytes: number | undefined;
}

/**
 * One timeline out of those of all ranks along the pipeline axis. Times count from the earliest start.
 *
 * @param parts - one per rank on the axis, for example those of the ranks whose other coordinates are 0
 */
export function joinTimelines(
  { name, numRanks }: Pick<Schedule, "name" | "numRanks">,
  parts: readonly RankTimeline[],
): Timeline {
  const first = Math.min(...parts.map(({ startMs, events }) => startMs + (events[0]?.start ?? 0)));
  const events = parts.flatMap((part) =>
    part.events.map((event) => ({
      ...event,
      start: Math.max(0, part.startMs + event.start - first),
      end: Math.max(0, part.startMs + event.end - first),
    })),
  );
  const makespan = events.reduce((latest, { end }) => Math.max(latest, end), 0);
  return { name: `${name}, measured`, unit: "ms", numRanks, makespan, events };
}

/** Takes the notes. */
export class StepRecorder {
  readonly #startMs = now();
  readonly #events: TimelineEvent[] = [];
  readonly #live = new Map<Pullback, number>();
  readonly #countsBytes: boolean;
  #peakLive = 0;
  #peakBytes = 0;
  #bytes = 0;

  constructor({ countBytes }: { readonly countBytes: boolean }) {
    this.#countsBytes = countBytes;
  }

  /** Runs and times one action. */
  action<R>(event: Omit<TimelineEvent, "start" | "end">, body: () => R): R {
    const start = now() - this.#startMs;
    const result = body();
    this.#events.push({ ...event, start, end: now() - this.#startMs });
    return result;
  }

  /** A forward pass is done. */
  keep(pullback: Pullback): void {
    const bytes = this.#countsBytes ? localBytes(pullback.savedActivations()) : 0;
    this.#live.set(pullback, bytes);
    this.#bytes += bytes;
    this.#peakLive = Math.max(this.#peakLive, this.#live.size);
    this.#peakBytes = Math.max(this.#peakBytes, this.#bytes);
  }

  /** Its backward pass is done. */
  release(pullback: Pullback): void {
    this.#bytes -= this.#live.get(pullback) ?? 0;
    this.#live.delete(pullback);
  }

  get record(): StepRecord {
    return {
      timeline: { startMs: this.#startMs, events: this.#events },
      peakLive: this.#peakLive,
      peakBytes: this.#countsBytes ? this.#peakBytes : undefined,
    };
  }
}

/** Threads have their own time origin; its sum with `performance.now` is the same clock in all of them. */
function now(): number {
  return performance.timeOrigin + performance.now();
}
