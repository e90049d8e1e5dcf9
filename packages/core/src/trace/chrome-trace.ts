/**
 * Traces in the Chrome trace event format, which Perfetto (https://ui.perfetto.dev) and chrome://tracing open.
 *
 * A rank is a process of the format (`pid`), a track of the rank is a thread (`tid`).
 *
 * @packageDocumentation
 */
import type { TraceEvent } from "./trace-event.ts";

/** An entry of `traceEvents`: `X` complete span, `C` counter, `M` metadata. Times are microseconds. */
interface ChromeEvent {
  readonly name: string;
  readonly ph: "X" | "C" | "M";
  readonly pid: number;
  readonly tid: number;
  readonly ts?: number;
  readonly dur?: number;
  readonly cat?: string;
  readonly args?: Readonly<Record<string, string | number | boolean>>;
}

/**
 * The events of any number of ranks as Chrome trace JSON. Time 0 is the earliest event; ranks are sorted by number,
 * tracks by first appearance.
 *
 * @param options - `hosts`: of every rank, as `world.hosts` has it; where there are several, they stand before the ranks
 * @example
 * ```ts
 * writeFileSync("trace.json", toChromeTrace([...traceOfRank0.events, ...traceOfRank1.events]));
 * ```
 * @see Chrome "Trace Event Format", https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
 */
export function toChromeTrace(
  events: readonly TraceEvent[],
  options: { readonly hosts?: readonly string[] } = {},
): string {
  const tracks = numberTracks(events);
  const originMs = events.reduce((least, event) => Math.min(least, timeOf(event)), Infinity);
  const traceEvents = [
    ...metadata(tracks, options.hosts ?? []),
    ...events
      .map((event) => toChromeEvent(event, originMs, tracks))
      .sort((left, right) => (left.ts ?? 0) - (right.ts ?? 0)),
  ];
  return JSON.stringify({ displayTimeUnit: "ms", traceEvents });
}

/** From a rank and a track's name to the track's number. */
type TrackNumbers = ReadonlyMap<number, ReadonlyMap<string, number>>;

function numberTracks(events: readonly TraceEvent[]): TrackNumbers {
  const ranks = new Map<number, Map<string, number>>();
  for (const event of events) {
    const tracks = ranks.get(event.rank) ?? new Map<string, number>();
    ranks.set(event.rank, tracks);
    if (event.kind === "span" && !tracks.has(event.track)) tracks.set(event.track, tracks.size);
  }
  return ranks;
}

function metadata(tracks: TrackNumbers, hosts: readonly string[]): ChromeEvent[] {
  const nameOf = (rank: number): string =>
    new Set(hosts).size > 1 ? `${hosts[rank]} rank ${rank}` : `rank ${rank}`;
  return [...tracks].flatMap(([pid, names]) => [
    { name: "process_name", ph: "M" as const, pid, tid: 0, args: { name: nameOf(pid) } },
    { name: "process_sort_index", ph: "M" as const, pid, tid: 0, args: { sort_index: pid } },
    ...[...names].map(([name, tid]) => ({ name: "thread_name", ph: "M" as const, pid, tid, args: { name } })),
  ]);
}

function toChromeEvent(event: TraceEvent, originMs: number, tracks: TrackNumbers): ChromeEvent {
  const ts = microseconds(timeOf(event) - originMs);
  if (event.kind === "counter") {
    return { name: event.name, ph: "C", pid: event.rank, tid: 0, ts, args: event.values };
  }
  return {
    name: event.name,
    ph: "X",
    pid: event.rank,
    tid: tracks.get(event.rank)?.get(event.track) ?? 0,
    ts,
    dur: microseconds(event.durationMs),
    cat: event.category,
    ...(event.args === undefined ? {} : { args: event.args }),
  };
}

function timeOf(event: TraceEvent): number {
  return event.kind === "span" ? event.startMs : event.timeMs;
}

/** Whole nanoseconds: a double holds epoch milliseconds to about 0.2 microseconds, more digits would be noise. */
function microseconds(ms: number): number {
  return Math.round(ms * 1e6) / 1e3;
}
