/**
 * Progress on a terminal.
 *
 * @packageDocumentation
 */
import { SingleBar } from "cli-progress";
import { TerminalRestore } from "./terminal-restore.ts";
import type { TimeLeft } from "./time-left.ts";
import { describeState, type Progress, type ProgressStream, type TrainingState } from "./training-state.ts";

/** A bar in the last line of a terminal, drawn by cli-progress. */
export class ProgressBar implements Progress {
  readonly #bar: SingleBar;
  readonly #stream: ProgressStream;
  readonly #estimate: TimeLeft;
  readonly #restore: TerminalRestore;
  #stopped = false;

  constructor(steps: number, stream: ProgressStream, estimate: TimeLeft) {
    this.#stream = stream;
    this.#estimate = estimate;
    this.#bar = new SingleBar({
      format: "{bar} {value}/{total}  {state}",
      barsize: 24,
      stream: withoutSavedCursor(stream),
      hideCursor: true,
      gracefulExit: false, // it would swallow Ctrl-C; TerminalRestore does not
      forceRedraw: true,
    });
    this.#restore = new TerminalRestore(() => {
      this.#close({ clear: true });
    });
    this.#bar.start(steps, 0, { state: "starting" });
  }

  update(state: TrainingState): void {
    this.#bar.update(state.step, { state: describeState(state, this.#estimate.after(state.step)) });
  }

  log(line: string): void {
    if (!this.#stopped) this.#stream.write("\r\u001B[K"); // the bar is drawn again below the line
    this.#stream.write(`${line}\n`);
  }

  stop(): void {
    this.#close({ clear: false });
  }

  #close({ clear }: { readonly clear: boolean }): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#restore.remove();
    this.#bar.stop();
    if (clear) this.#stream.write("\u001B[1A\r\u001B[K"); // the bar's line, above the cursor
  }
}

/**
 * The same terminal without "save cursor" and "restore cursor": cli-progress jumps back at its end to where it started,
 * which after lines of `log` is in the middle of them.
 */
function withoutSavedCursor(stream: ProgressStream): ProgressStream {
  const isSaveOrRestore = (chunk: unknown) => chunk === "\u001B7" || chunk === "\u001B8";
  return new Proxy(stream, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target);
      if (typeof value !== "function") return value;
      return (...args: unknown[]): unknown =>
        property === "write" && isSaveOrRestore(args[0]) ? true : Reflect.apply(value, target, args);
    },
  });
}
