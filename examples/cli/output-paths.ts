/**
 * Where a run writes to, checked before it starts: a training must not end with a result that nobody can store.
 *
 * @packageDocumentation
 */
import { accessSync, constants, mkdirSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { ContractError } from "@meshwright/core";

/**
 * Checks that the file for the results can be written, and creates the folder for the report.
 *
 * @throws ContractError that names the option, the path, and the way out.
 */
export function checkOutputPaths(options: {
  readonly json?: string | undefined;
  readonly report?: string | undefined;
}): void {
  if (options.json !== undefined) checkFile(options.json);
  if (options.report !== undefined) createFolder(options.report);
}

function checkFile(file: string): void {
  const folder = dirname(resolve(file));
  if (!isDirectory(folder)) {
    throw new ContractError(
      `--json: folder (${folder}) of file (${file}) must exist; use an existing folder, or create it first.`,
    );
  }
  if (isDirectory(resolve(file))) {
    throw new ContractError(
      `--json: path (${file}) must be a file, but is a folder; use for example ${file}/out.json.`,
    );
  }
  try {
    const exists = statSync(file, { throwIfNoEntry: false }) !== undefined;
    accessSync(exists ? file : folder, constants.W_OK);
  } catch (cause) {
    throw new ContractError(`--json: file (${file}) must be writable; use another path.`, { cause });
  }
}

function createFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.W_OK);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ContractError(
      `--report: folder (${folder}) must be a folder that can be created and written to (${reason}); use another path.`,
      { cause },
    );
  }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
