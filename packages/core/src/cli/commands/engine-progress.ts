/**
 * How far an installation is: a progress bar in a terminal, else one line per step.
 *
 * @packageDocumentation
 */
import { SingleBar } from "cli-progress";
import type { InstallProgress } from "../../engine-install/install-context.ts";
import { formatBytes } from "../format-bytes.ts";

/** A progress display that has to be stopped. */
export interface EngineProgress extends InstallProgress {
  stop(): void;
}

/** A display on `stream`. */
export function engineProgress(stream: NodeJS.WriteStream): EngineProgress {
  const print = (text: string): void => void stream.write(`${text}\n`);
  if (!stream.isTTY) {
    return {
      step: (step, what) => {
        print(`${step}: ${what}`);
      },
      bytes: () => undefined,
      note: print,
      stop: () => undefined,
    };
  }
  let bar: SingleBar | undefined;
  const stop = (): void => {
    bar?.stop();
    bar = undefined;
  };
  return {
    step(step, what) {
      stop();
      print(`${step}: ${what}`);
    },
    bytes(done, total) {
      bar ??= startBar(stream, total);
      bar.setTotal(total);
      bar.update(done, { state: `${formatBytes(done)} of ${formatBytes(total)}` });
    },
    note(text) {
      stop();
      print(text);
    },
    stop,
  };
}

function startBar(stream: NodeJS.WriteStream, total: number): SingleBar {
  const bar = new SingleBar({
    format: "  {bar} {state}, {eta_formatted} left",
    barsize: 30,
    stream,
    // Ctrl-C then needs no clean-up.
    hideCursor: false,
    gracefulExit: false,
    clearOnComplete: true,
  });
  bar.start(total, 0, { state: "" });
  return bar;
}
