/**
 * What ranks keep between forward and backward passes.
 *
 * @packageDocumentation
 */
import type { Timeline, TimelineEvent } from "../timeline-record.ts";

/** What a rank keeps from `time` until its next sample. */
export interface MemorySample {
  readonly time: number;
  /** Inputs of stages whose backward pass is not done: pairs of micro-batch and chunk. */
  readonly live: number;
  readonly bytes: number;
}

/** Sizes of what stages keep: `list[stage]`. */
export interface KeptBytes {
  readonly inputBytes: readonly number[];
  readonly activationBytes: readonly number[];
  readonly recompute: boolean;
}

/** What a change of memory adds. */
interface Change {
  readonly time: number;
  readonly live: number;
  readonly bytes: number;
}

/**
 * `samples[rank]`, by time. A stage keeps a micro-batch from the start of its `F` to the end of its `B` or `W`: the weight
 * gradient needs the input, so `I` frees nothing here. With recomputation only the input is kept, and all that `F` makes
 * exists during `B`. Messages that arrived and wait for their stage are not counted. Evaluation keeps nothing.
 */
export function memoryOverTime(
  timeline: Pick<Timeline, "numRanks" | "events">,
  sizes: KeptBytes,
): MemorySample[][] {
  const isTraining = timeline.events.some(({ kind }) => kind !== "F");
  return Array.from({ length: timeline.numRanks }, (_, rank) => {
    if (!isTraining) return [];
    // Actions of a rank follow each other, so their changes are in order of time once the actions are.
    const events = timeline.events.filter((event) => event.rank === rank).sort((a, b) => a.start - b.start);
    return accumulate(events.flatMap((event) => changesOf(event, sizes)));
  });
}

/** The most inputs of stages that each rank keeps at one time. */
export function peakLive(memory: readonly (readonly MemorySample[])[]): number[] {
  return memory.map((samples) => samples.reduce((peak, { live }) => Math.max(peak, live), 0));
}

/** The most bytes that each rank keeps at one time. */
export function peakBytes(memory: readonly (readonly MemorySample[])[]): number[] {
  return memory.map((samples) => samples.reduce((peak, { bytes }) => Math.max(peak, bytes), 0));
}

function changesOf(event: TimelineEvent, { inputBytes, activationBytes, recompute }: KeptBytes): Change[] {
  const { kind, stage, start, end } = event;
  const all = activationBytes[stage]!;
  const kept = recompute ? inputBytes[stage]! : all;
  switch (kind) {
    case "F":
      return [
        { time: start, live: 1, bytes: all },
        { time: end, live: 0, bytes: kept - all },
      ];
    case "B":
      return [
        { time: start, live: 0, bytes: all - kept },
        { time: end, live: -1, bytes: -all },
      ];
    case "I":
      return [];
    case "W":
      return [{ time: end, live: -1, bytes: -all }];
  }
}

function accumulate(changes: readonly Change[]): MemorySample[] {
  let live = 0;
  let bytes = 0;
  return changes
    .filter((change) => change.live !== 0 || change.bytes !== 0)
    .map((change) => {
      live += change.live;
      bytes += change.bytes;
      return { time: change.time, live, bytes };
    });
}
