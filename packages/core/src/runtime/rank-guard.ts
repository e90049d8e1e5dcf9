/**
 * Reports every way in which a program can end its thread other than by returning or throwing.
 *
 * @packageDocumentation
 */
import { RankExitError } from "./rank-error.ts";

/**
 * Calls `onFailure` for uncaught exceptions, unhandled rejections and `process.exit` on this thread. The main thread
 * then stops the thread; nothing is thrown further here.
 *
 * Must run before the engine starts: the wasm engine's emscripten runtime adds listeners for the same events that throw
 * again and so replace exit code and error, and listeners are called in the order they were added.
 */
export function guardRank(onFailure: (error: unknown) => void): void {
  process.on("uncaughtException", onFailure);
  process.on("unhandledRejection", onFailure);
  const exit = process.exit.bind(process);
  const reportAndExit = (code?: number | string | null): never => {
    const error = new RankExitError(Number(code ?? process.exitCode ?? 0));
    // The stack begins at the program's own line.
    Error.captureStackTrace(error, reportAndExit);
    onFailure(error);
    return exit(code);
  };
  process.exit = reportAndExit;
}
