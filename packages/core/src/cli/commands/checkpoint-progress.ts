/**
 * A progress bar for work that never yields; nothing where stderr is no terminal.
 *
 * @packageDocumentation
 */
import { SingleBar } from "cli-progress";

/** Shows how far some work has come. */
export interface Bar {
  update(done: number, total: number, state: string): void;
  /** Runs the work, and takes the bar away at its end. */
  run<R>(body: () => R): R;
}

/** Redraws at most so often; the work itself does not let timers run. */
const REDRAW_MS = 50;

/** A bar on `stream`. */
export function createBar(stream: NodeJS.WriteStream): Bar {
  if (!stream.isTTY) return { update: () => undefined, run: (body) => body() };
  const bar = new SingleBar({
    format: "{bar} {state}",
    barsize: 30,
    stream,
    // Ctrl-C then needs no clean-up.
    hideCursor: false,
    gracefulExit: false,
    clearOnComplete: true,
    // Every update is drawn at once.
    synchronousUpdate: true,
    fps: 1000 / REDRAW_MS,
  });
  bar.start(1, 0, { state: "" });
  return {
    update(done, total, state) {
      bar.setTotal(total);
      bar.update(done, { state });
    },
    run(body) {
      try {
        return body();
      } finally {
        bar.stop();
      }
    },
  };
}
