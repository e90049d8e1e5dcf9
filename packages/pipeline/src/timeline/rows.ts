/**
 * A timeline as rows, one per rank, for those who draw it.
 *
 * @packageDocumentation
 */
import { ContractError } from "@meshwright/core";
import type { ActionKind } from "../schedule.ts";
import type { Timeline, TimelineEvent } from "../timeline-record.ts";

/** Kinds in the order of legends. */
export const ACTION_KINDS: readonly ActionKind[] = ["F", "B", "I", "W"];

/** What the letters stand for. */
export const KIND_NAMES: Readonly<Record<ActionKind, string>> = {
  F: "forward",
  B: "backward",
  I: "input gradient",
  W: "weight gradient",
};

/**
 * `rows[rank]`: the events of the rank by start time.
 *
 * @param where - Who asks; the errors start with it.
 * @throws ContractError if an event is of a rank that the timeline lacks, lies outside of 0..makespan, ends before it
 *   starts, or starts before the one ahead of it on its rank has ended.
 */
export function rowsOf(timeline: Timeline, where: string): TimelineEvent[][] {
  const { numRanks, makespan, events } = timeline;
  const rows = Array.from({ length: numRanks }, (): TimelineEvent[] => []);
  for (const event of events) {
    const row = rows[event.rank];
    if (row === undefined) {
      throw new ContractError(
        `${where}: rank (${event.rank}) of ${labelOf(event)} must be one of the timeline's ranks (0..${numRanks - 1}); use numRanks above it.`,
      );
    }
    if (!(event.start >= 0 && event.end >= event.start && event.end <= makespan + tolerance(makespan))) {
      throw new ContractError(
        `${where}: times (${event.start}..${event.end}) of ${labelOf(event)} on rank ${event.rank} must rise within 0..makespan (${makespan}); use times since the start of the step.`,
      );
    }
    row.push(event);
  }
  for (const row of rows) checkOrder(row.sort(byTime), { where, slack: tolerance(makespan) });
  return rows;
}

/** `"F3"`: kind and micro-batch; `"F3:1"` for another chunk than the first. */
export function labelOf({ kind, microBatch, chunk }: TimelineEvent): string {
  return chunk === 0 ? `${kind}${microBatch}` : `${kind}${microBatch}:${chunk}`;
}

/** The kinds that occur, in the order of legends. */
export function kindsIn(timelines: readonly Timeline[]): ActionKind[] {
  const kinds = new Set(timelines.flatMap(({ events }) => events.map(({ kind }) => kind)));
  return ACTION_KINDS.filter((kind) => kinds.has(kind));
}

/** `"33 cost"`, `"12.35 ms"`: at most four significant digits after which nothing can be seen in a drawing. */
export function formatTime(time: number, unit: Timeline["unit"]): string {
  return `${Number(time.toPrecision(4))} ${unit}`;
}

/** Sums of the same costs in another order differ in their last bits. */
function tolerance(makespan: number): number {
  return 1e-9 * makespan;
}

function byTime(left: TimelineEvent, right: TimelineEvent): number {
  return left.start - right.start || left.end - right.end;
}

function checkOrder(
  row: readonly TimelineEvent[],
  { where, slack }: { readonly where: string; readonly slack: number },
): void {
  for (const [index, event] of row.entries()) {
    const previous = row[index - 1];
    if (previous === undefined || event.start >= previous.end - slack) continue;
    throw new ContractError(
      `${where}: ${labelOf(event)} on rank ${event.rank} (from ${event.start}) must start after ${labelOf(previous)} (until ${previous.end}); use one event per piece of work.`,
    );
  }
}
