/**
 * Where in the program a collective was called.
 *
 * @packageDocumentation
 */
import { relative } from "node:path";
import { fileURLToPath } from "node:url";

/** Frames to look at: a gradient of tfjs lies deep above the program's own line. */
const NUM_FRAMES = 100;

/**
 * `file:line` of the innermost frame in the program: outside of Meshwright's packages and of TensorFlow.js. Relative to
 * the working directory where the file is below it; `"unknown"` if there is none. Slow (microseconds): only for messages.
 */
export function callSite(isLibrary: (file: string) => boolean = isLibraryFile): string {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = NUM_FRAMES;
  const { stack = "" } = new Error("call site");
  Error.stackTraceLimit = limit;
  for (const line of stack.split("\n").slice(1)) {
    const frame = /\(?((?:file:\/\/|\/|[A-Za-z]:\\)[^()]*):(\d+):\d+\)?$/.exec(line);
    if (!frame) continue;
    const file = toPath(frame[1]!);
    if (!isLibrary(file)) return `${shown(file)}:${frame[2]!}`;
  }
  return "unknown";
}

/** Whether a file is one of Meshwright's (sources, tests excepted, or the built bundle) or of TensorFlow.js. */
export function isLibraryFile(file: string): boolean {
  const path = file.replaceAll("\\", "/");
  if (/\/node_modules\/@(?:tensorflow|meshwright)\//.test(path)) return true;
  return (
    path.startsWith(PACKAGES) &&
    /^[\w-]+\/(?:src|dist)\//.test(path.slice(PACKAGES.length)) &&
    !path.endsWith(".test.ts")
  );
}

/** The folder that holds the packages: in the workspace `packages/`, as installed `@meshwright/`. */
const PACKAGES = toPath(new URL("../../../", import.meta.url).href)
  .replaceAll("\\", "/")
  .replace(/(?<=\/packages\/)core\/$/, "");

function toPath(file: string): string {
  return file.startsWith("file://") ? fileURLToPath(file) : file;
}

function shown(file: string): string {
  const below = relative(process.cwd(), file);
  return below.startsWith("..") ? file : below;
}
