/**
 * How much of a timeline is idle.
 *
 * @packageDocumentation
 */
import type { Timeline } from "../timeline-record.ts";

/** The idle time of a simulated or measured step. */
export interface BubbleReport {
  /** Share of all ranks' time, from 0 to the makespan, in which they do nothing: `1 - busy / (p * makespan)`. */
  readonly bubbleGlobal: number;
  /**
   * Share in which they do nothing between their own first and last action: `1 - busy / sum of spans`. The time before
   * a rank's first action and after its last one does not count, because the neighbouring steps may fill it.
   */
  readonly bubbleSpan: number;
  /** `bubbleSpan` of each rank. The largest is Qi et al.'s bubble rate where ranks are equally busy. */
  readonly bubbleSpanPerRank: readonly number[];
  /** Time in which each rank works. */
  readonly busyPerRank: readonly number[];
}

/** Idle shares of a timeline; 0 where nothing takes time. */
export function bubbleReport(timeline: Pick<Timeline, "numRanks" | "makespan" | "events">): BubbleReport {
  const { numRanks, makespan, events } = timeline;
  const busyPerRank = new Array<number>(numRanks).fill(0);
  const first = new Array<number>(numRanks).fill(Infinity);
  const last = new Array<number>(numRanks).fill(0);
  for (const { rank, start, end } of events) {
    busyPerRank[rank]! += end - start;
    first[rank] = Math.min(first[rank]!, start);
    last[rank] = Math.max(last[rank]!, end);
  }
  const spans = last.map((end, rank) => Math.max(0, end - first[rank]!));
  return {
    bubbleGlobal: idleShare(sum(busyPerRank), numRanks * makespan),
    bubbleSpan: idleShare(sum(busyPerRank), sum(spans)),
    bubbleSpanPerRank: spans.map((span, rank) => idleShare(busyPerRank[rank]!, span)),
    busyPerRank,
  };
}

function idleShare(busy: number, available: number): number {
  // Sums of durations and differences of times round differently; a rank without gaps is not idle by -1e-17.
  return available > 0 ? Math.max(0, 1 - busy / available) : 0;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
