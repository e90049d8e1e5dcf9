/**
 * What a program gets that is started from the command line.
 *
 * @packageDocumentation
 */

/**
 * The options of a program that `meshwright run` started.
 *
 * @example
 * ```ts
 * export default defineProgram(({ options }: ProgramContext<CommandLineOptions, never>) => {
 *   const [dir = "checkpoints"] = options.args;
 *   const goesOn = options.resume && latestCheckpoint(dir) !== undefined;
 * });
 * ```
 */
export interface CommandLineOptions {
  /** Everything after `--`. */
  readonly args: readonly string[];
  /** Whether to go on from the program's latest checkpoint, if it has written one (`--resume auto`). */
  readonly resume: boolean;
}
