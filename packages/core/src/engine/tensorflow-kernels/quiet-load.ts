/**
 * Loads TensorFlow without the lines that it writes to stderr as it finds oneDNN, which no log level stops.
 *
 * @packageDocumentation
 */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { QUIET_LOAD_FILE } from "./native-sources.ts";

/**
 * In the order of their loading. They stay loaded, both of them: Node.js unloads an addon with the last thread that uses
 * it, and one of the two cannot be loaded into a process that still has the other.
 */
const LIBRARIES = ["libtensorflow_framework.so.2", "libtensorflow_cc.so.2"] as const;

/** Whether {@link loadQuietly} can load the library in `folder`. */
export function canLoadQuietly(folder: string): boolean {
  return [QUIET_LOAD_FILE, ...LIBRARIES].every((file) => existsSync(join(folder, file)));
}

/**
 * Loads the libraries in `folder`, after its environment variables are set and before anything else does. A
 * failure is left to be reported by what needs the library.
 */
export function loadQuietly(folder: string): void {
  try {
    const { load } = createRequire(import.meta.url)(join(folder, QUIET_LOAD_FILE)) as {
      load: (path: string) => string | undefined;
    };
    for (const library of LIBRARIES) load(join(folder, library));
  } catch {
    // Built for another machine.
  }
}
