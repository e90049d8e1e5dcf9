/**
 * What the command's exit code says.
 *
 * @packageDocumentation
 */

/** Exit codes of `meshwright`. */
export const ExitCode = {
  done: 0,
  /** The run failed. */
  failed: 1,
  /** The command line is wrong; nothing ran. */
  usage: 2,
  /** Ctrl-C: 128 + SIGINT, as shells count. */
  interrupted: 130,
  /** 128 + SIGTERM. */
  terminated: 143,
  /** Whoever read our output is gone: 128 + SIGPIPE. */
  brokenPipe: 141,
} as const;

/** The command line is wrong. One line: what, rule, fix. */
export class UsageError extends Error {
  override readonly name: string = "UsageError";
}
