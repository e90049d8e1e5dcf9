/**
 * A timeline as text for the terminal.
 *
 * ```
 *   gpipe: 15 cost
 *   rank 0  F0F1F2............B0--B1--B2--
 *   rank 1  ..F0F1F2......B0--B1--B2--....
 *   rank 2  ....F0F1F2B0--B1--B2--........
 *           0         5         10
 *   F forward, B backward, . idle
 * ```
 *
 * @packageDocumentation
 */
import { ContractError } from "@meshwright/core";
import type { ActionKind } from "../schedule.ts";
import type { Timeline, TimelineEvent } from "../timeline-record.ts";
import { axisTicks } from "./axis.ts";
import { formatTime, kindsIn, KIND_NAMES, labelOf, rowsOf } from "./rows.ts";

/** How a timeline is drawn as text. */
export interface DrawTextOptions {
  /** Most columns that a line may have (default 100); a shorter line is used where every label fits into one. */
  readonly width?: number;
  /** ANSI colours (default `false`). */
  readonly color?: boolean;
  /** The time at the right edge (default: the makespan). Two drawings with the same one have a common scale. */
  readonly until?: number;
}

const IDLE = ".";
const FILL = "-";

/** Background colours of the 256-colour palette: blue, orange, yellow, green; the letters are black. */
const BACKGROUNDS: Readonly<Record<ActionKind, number>> = { F: 111, B: 215, I: 222, W: 114 };

/**
 * One row per rank: each piece of work is its kind and micro-batch, drawn out with `-` to its duration (`F3:1` is chunk 1
 * of the rank), idle time is `.`.
 *
 * A column shows what fills most of it. Where a label does not fit, only the kind is left.
 *
 * @throws ContractError if `width` leaves no column for the time, `until` is before the makespan, or the timeline contradicts
 *   itself (events that overlap, or lie outside of it).
 */
export function drawText(timeline: Timeline, options: DrawTextOptions = {}): string {
  const { color = false, until = timeline.makespan } = options;
  const rows = rowsOf(timeline, "drawText");
  if (!(until >= timeline.makespan)) {
    throw new ContractError(
      `drawText: until (${until}) must not be before the makespan (${timeline.makespan}); use the longest makespan of those drawn.`,
    );
  }
  const names = rows.map((_, rank) => `rank ${rank}`);
  const indent = Math.max(0, ...names.map((name) => name.length)) + 2;
  const numColumns = columnsFor(timeline, { until, room: roomFor(options.width ?? 100, indent) });
  const scale = until > 0 ? numColumns / until : 0;
  const lines = rows.map((row, rank) => {
    const boxes = toBoxes(row, { scale, numColumns });
    return names[rank]!.padEnd(indent) + boxes.map((box) => drawBox(box, color)).join("");
  });
  return [
    `${timeline.name}: ${formatTime(timeline.makespan, timeline.unit)}`,
    ...lines,
    " ".repeat(indent) + drawAxis(until, numColumns),
    legend(timeline),
  ].join("\n");
}

function roomFor(width: number, indent: number): number {
  if (Number.isSafeInteger(width) && width > indent) return width - indent;
  throw new ContractError(
    `drawText: width (${width}) must be a whole number above that of the rank names (${indent}); use 80 or more.`,
  );
}

/**
 * As many columns as give the tightest event room for its label, but no more than there is room for. Where all durations are
 * multiples of the shortest, that one gets whole columns, so that equal work has equal width.
 */
function columnsFor(
  timeline: Timeline,
  { until, room }: { readonly until: number; readonly room: number },
): number {
  const visible = timeline.events.filter(({ start, end }) => end > start);
  const durations = visible.map(({ start, end }) => end - start);
  const wanted = visible.reduce((most, event, i) => Math.max(most, labelOf(event).length / durations[i]!), 0);
  const columns = Math.max(1, Math.ceil(until * wanted - 1e-6)); // 24.000000001 are 24
  if (columns <= room) return columns;
  const shortest = durations.reduce((least, duration) => Math.min(least, duration), Infinity);
  const isMultiple = (duration: number) =>
    Math.abs(duration / shortest - Math.round(duration / shortest)) < 1e-6;
  const perShortest = Math.floor((room / until) * shortest + 1e-6);
  return perShortest >= 1 && durations.every(isMultiple)
    ? Math.min(room, Math.ceil((until / shortest) * perShortest - 1e-6))
    : room;
}

/** Some columns of a row that show one thing; idle without `event`. */
interface Box {
  readonly event: TimelineEvent | undefined;
  readonly numColumns: number;
}

/** What fills most of each column, joined where neighbours show the same. */
function toBoxes(
  row: readonly TimelineEvent[],
  { scale, numColumns }: { readonly scale: number; readonly numColumns: number },
): Box[] {
  const boxes: Box[] = [];
  let next = 0;
  for (let column = 0; column < numColumns; column++) {
    while (next < row.length && row[next]!.end * scale <= column) next++;
    const event = mainEvent(row, { next, column, scale });
    const last = boxes.at(-1);
    if (last !== undefined && last.event === event) {
      boxes[boxes.length - 1] = { event, numColumns: last.numColumns + 1 };
    } else {
      boxes.push({ event, numColumns: 1 });
    }
  }
  return boxes;
}

/** The event with the largest share of a column, `undefined` where idle time has it. `next`: the first that may be in it. */
function mainEvent(
  row: readonly TimelineEvent[],
  { next, column, scale }: { readonly next: number; readonly column: number; readonly scale: number },
): TimelineEvent | undefined {
  let main: TimelineEvent | undefined;
  let mainShare = 0;
  let idleShare = 1;
  for (let index = next; index < row.length && row[index]!.start * scale < column + 1; index++) {
    const { start, end } = row[index]!;
    const share = Math.min(end * scale, column + 1) - Math.max(start * scale, column);
    idleShare -= share;
    // Rounding must not decide between equal shares: the earlier event keeps the column.
    if (share > mainShare + 1e-6) [main, mainShare] = [row[index], share];
  }
  return idleShare > mainShare + 1e-6 ? undefined : main;
}

function drawBox({ event, numColumns }: Box, color: boolean): string {
  if (event === undefined) return IDLE.repeat(numColumns);
  const full = labelOf(event);
  const short = `${event.kind}${event.microBatch}`;
  const label = [full, short].find((text) => text.length <= numColumns) ?? event.kind;
  const text = label.padEnd(numColumns, FILL);
  // Underlined: an odd chunk. Shades of a colour cannot be told apart in every terminal's palette.
  const style = `38;5;16;48;5;${BACKGROUNDS[event.kind]}${event.chunk % 2 === 1 ? ";4" : ""}`;
  return color ? `\u001b[${style}m${text}\u001b[0m` : text;
}

/** Round numbers below the columns where they belong. */
function drawAxis(until: number, numColumns: number): string {
  let line = "";
  for (const tick of axisTicks(until, Math.max(1, Math.floor(numColumns / 8)))) {
    const text = String(tick);
    const column = until > 0 ? Math.round((tick / until) * numColumns) : 0;
    if (column < line.length + (line === "" ? 0 : 1) || column + text.length > numColumns) continue;
    line = line.padEnd(column) + text;
  }
  return line;
}

function legend(timeline: Timeline): string {
  const kinds = kindsIn([timeline]).map((kind) => `${kind} ${KIND_NAMES[kind]}`);
  return [...kinds, `${IDLE} idle`].join(", ");
}
