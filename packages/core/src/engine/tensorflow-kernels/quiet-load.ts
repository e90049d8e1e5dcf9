/**
 * Loads TensorFlow without the lines that it writes to stderr as it finds oneDNN, which no log level stops.
 *
 * @packageDocumentation
 */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { QUIET_LOAD_FILE } from "./native-sources.ts";

const FRAMEWORK = "libtensorflow_framework.so.2";

/** Whether {@link loadQuietly} can load the library in `folder`. */
export function canLoadQuietly(folder: string): boolean {
  return [QUIET_LOAD_FILE, FRAMEWORK].every((file) => existsSync(join(folder, file)));
}

/**
 * Loads the framework library in `folder`, after its environment variables are set and before anything else does. A
 * failure is left to be reported by what needs the library.
 */
export function loadQuietly(folder: string): void {
  try {
    const { load } = createRequire(import.meta.url)(join(folder, QUIET_LOAD_FILE)) as {
      load: (path: string) => string | undefined;
    };
    load(join(folder, FRAMEWORK));
  } catch {
    // Built for another machine.
  }
}
