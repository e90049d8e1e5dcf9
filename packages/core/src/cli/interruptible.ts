/**
 * Ctrl-C and its relatives, for the time of one command. Nothing outside the command line installs signal handlers.
 *
 * @packageDocumentation
 */
import { ExitCode } from "./exit-code.ts";

const SHOW_CURSOR = "\u001b[?25h";

/** Why a command was stopped from outside. */
export class Interruption extends Error {
  override readonly name: string = "Interruption";
  readonly exitCode: number;

  constructor(exitCode: number) {
    super("interrupted");
    this.exitCode = exitCode;
  }
}

/**
 * Runs `body` with a signal that is aborted, with an `Interruption`, by SIGINT, SIGTERM, or a closed output pipe. A second
 * Ctrl-C finds the default handler again, and ends the process at once.
 */
export async function interruptible<R>(body: (signal: AbortSignal) => Promise<R>): Promise<R> {
  const controller = new AbortController();
  const stop = (exitCode: number) => () => {
    controller.abort(new Interruption(exitCode));
  };
  const onInterrupt = stop(ExitCode.interrupted);
  const onTerminate = stop(ExitCode.terminated);
  const onStreamError = stop(ExitCode.brokenPipe);
  process.once("SIGINT", onInterrupt);
  process.once("SIGTERM", onTerminate);
  process.stdout.on("error", onStreamError);
  try {
    return await body(controller.signal);
  } finally {
    process.off("SIGINT", onInterrupt);
    process.off("SIGTERM", onTerminate);
    if (controller.signal.aborted) restoreTerminal();
    // Writes that are still on their way may fail after this point.
    else process.stdout.off("error", onStreamError);
  }
}

/** A rank's progress bar may have hidden the cursor. */
function restoreTerminal(): void {
  if (process.stderr.isTTY) process.stderr.write(SHOW_CURSOR);
}
