/**
 * What a trace holds: plain data that travels between ranks by structured clone.
 *
 * Times are milliseconds since the Unix epoch with a fraction, so the events of several worker threads line up.
 *
 * @packageDocumentation
 */

/** Values shown beside an event. */
export type TraceArgs = Readonly<Record<string, string | number | boolean>>;

/** A stretch of time on one rank. */
export interface SpanEvent {
  readonly kind: "span";
  readonly name: string;
  readonly rank: number;
  /** The row below the rank, for example `"compute"` or `"communication"`. */
  readonly track: string;
  /** What the viewer filters by, for example `"forward"`. */
  readonly category: string;
  readonly startMs: number;
  readonly durationMs: number;
  readonly args?: TraceArgs;
}

/** The value of one or several named series at one moment, for example the live bytes of a rank. */
export interface CounterEvent {
  readonly kind: "counter";
  readonly name: string;
  readonly rank: number;
  readonly timeMs: number;
  readonly values: Readonly<Record<string, number>>;
}

/** One entry of a trace. */
export type TraceEvent = SpanEvent | CounterEvent;
