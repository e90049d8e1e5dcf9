/**
 * Records what a rank does when: spans around pieces of the program, and counters.
 *
 * @packageDocumentation
 */
import type { CounterEvent, SpanEvent, TraceArgs, TraceEvent } from "./trace-event.ts";

/** Where a span is shown. */
export interface SpanOptions {
  /** Default: the rank of the trace. */
  readonly rank?: number;
  /** The row below the rank (default `"main"`). Spans of one track must nest or follow each other. */
  readonly track?: string;
  /** What the viewer filters by (default `"span"`). */
  readonly category?: string;
  readonly args?: TraceArgs;
}

/** A recorder of spans and counters. Each rank has its own; the launcher joins their `events`. */
export interface Trace {
  /** What was recorded so far, in the order in which it ended. Plain data: a rank can report it to its launcher. */
  readonly events: readonly TraceEvent[];
  /**
   * Runs `body` and records how long it took, also when it throws (`args.error` then holds the message). `body` is
   * synchronous; use `begin` around an `await`.
   */
  span<R>(name: string, options: SpanOptions, body: () => R): R;
  /** Starts a span; the returned function ends it. Calls after the first do nothing. */
  begin(name: string, options?: SpanOptions): (args?: TraceArgs) => void;
  /** Records the value of one or several series now. */
  counter(name: string, values: Readonly<Record<string, number>>, options?: { readonly rank?: number }): void;
  /** Adds an event made elsewhere: by another rank, or by a simulation. */
  add(event: TraceEvent): void;
}

/**
 * Creates a recorder.
 *
 * @example
 * ```ts
 * const trace = createTrace({ rank: world.rank });
 * const loss = trace.span("forward", { category: "forward", args: { step } }, () => model.apply(x));
 * trace.counter("live bytes", { tensors: tf.memory().numBytes });
 * writeFileSync("trace.json", toChromeTrace(trace.events)); // open in https://ui.perfetto.dev
 * ```
 */
export function createTrace(
  options: {
    /** The rank that spans belong to unless they name another (default 0). */
    readonly rank?: number;
    /** `false`: bodies run, nothing is recorded (default `true`). */
    readonly enabled?: boolean;
    /** Milliseconds since the Unix epoch (default: the high-resolution clock of this thread). */
    readonly now?: () => number;
  } = {},
): Trace {
  return options.enabled === false
    ? new SilentTrace()
    : new RecordingTrace(options.rank ?? 0, options.now ?? now);
}

/** Threads have their own time origin; its sum with `performance.now` is the same clock in all of them. */
function now(): number {
  return performance.timeOrigin + performance.now();
}

class RecordingTrace implements Trace {
  readonly events: TraceEvent[] = [];
  readonly #rank: number;
  readonly #now: () => number;

  constructor(rank: number, now: () => number) {
    this.#rank = rank;
    this.#now = now;
  }

  span<R>(name: string, options: SpanOptions, body: () => R): R {
    const startMs = this.#now();
    try {
      const result = body();
      this.#end(name, options, startMs);
      return result;
    } catch (error) {
      this.#end(name, options, startMs, { error: error instanceof Error ? error.message : String(error) });
      throw error;
    }
  }

  begin(name: string, options: SpanOptions = {}): (args?: TraceArgs) => void {
    const startMs = this.#now();
    let ended = false;
    return (args) => {
      if (ended) return;
      ended = true;
      this.#end(name, options, startMs, args);
    };
  }

  counter(
    name: string,
    values: Readonly<Record<string, number>>,
    options: { readonly rank?: number } = {},
  ): void {
    const event: CounterEvent = {
      kind: "counter",
      name,
      rank: options.rank ?? this.#rank,
      timeMs: this.#now(),
      values: { ...values },
    };
    this.events.push(event);
  }

  add(event: TraceEvent): void {
    this.events.push(event);
  }

  #end(name: string, options: SpanOptions, startMs: number, endArgs?: TraceArgs): void {
    const args = endArgs === undefined ? options.args : { ...options.args, ...endArgs };
    const event: SpanEvent = {
      kind: "span",
      name,
      rank: options.rank ?? this.#rank,
      track: options.track ?? "main",
      category: options.category ?? "span",
      startMs,
      durationMs: this.#now() - startMs,
      ...(args === undefined ? {} : { args }),
    };
    this.events.push(event);
  }
}

class SilentTrace implements Trace {
  readonly events: readonly TraceEvent[] = [];

  span<R>(_name: string, _options: SpanOptions, body: () => R): R {
    return body();
  }

  begin(): () => void {
    return () => undefined;
  }

  counter(): void {
    // Nothing is recorded.
  }

  add(): void {
    // Nothing is recorded.
  }
}
