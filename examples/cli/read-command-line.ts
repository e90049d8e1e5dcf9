/**
 * The start of a training example: options in, or a message and the exit code 2.
 *
 * @packageDocumentation
 */
import { CommanderError } from "commander";
import { ContractError } from "@meshwright/core";
import type { ExampleOptions } from "./option-value.ts";
import { checkOutputPaths } from "./output-paths.ts";
import { parseTrainingOptions, type TrainingCommand, type TrainingOptions } from "./training-options.ts";

/** Exit code for a command line that cannot be carried out. */
const USAGE_ERROR = 2;

/**
 * Reads this process's arguments, checks the paths that results go to, and ends the process after `--help` (code 0) or
 * a wrong option (code 2, message on stderr).
 *
 * @param check - throws a ContractError where options do not fit together
 */
export function readCommandLine<Axis extends string, Extra extends ExampleOptions>(
  spec: TrainingCommand<Axis, Extra>,
  check?: (options: TrainingOptions<Axis, Extra>) => void,
): TrainingOptions<Axis, Extra> {
  try {
    const options = parseTrainingOptions(process.argv.slice(2), spec);
    check?.(options);
    checkOutputPaths(options);
    return options;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) {
      process.stdout.write(`${error.message}\n`);
      process.exit(0);
    }
    if (error instanceof CommanderError) process.stderr.write(`${error.message}\n`);
    else if (error instanceof ContractError) process.stderr.write(`error: ${error.message}\n`);
    else throw error;
    process.exit(USAGE_ERROR);
  }
}
