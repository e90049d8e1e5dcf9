/**
 * Where in the program a collective was called.
 *
 * @packageDocumentation
 */
import { relative } from "node:path";
import { fileURLToPath } from "node:url";

/** Frames to look at: enough to get from a collective through the layers above it. */
const NUM_FRAMES = 40;

/**
 * `file:line` of the innermost frame outside of `ownFolders`, relative to the working directory where the file is below
 * it; `"unknown"` if there is none. Slow (microseconds): only for messages.
 */
export function callSite(ownFolders: readonly string[] = communicationFolders()): string {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = NUM_FRAMES;
  const { stack = "" } = new Error("call site");
  Error.stackTraceLimit = limit;
  for (const line of stack.split("\n").slice(1)) {
    const frame = /\(?((?:file:\/\/|\/|[A-Za-z]:\\)[^()]*):(\d+):\d+\)?$/.exec(line);
    if (!frame) continue;
    const file = toPath(frame[1]!);
    if (!ownFolders.some((folder) => file.startsWith(folder))) return `${shown(file)}:${frame[2]!}`;
  }
  return "unknown";
}

/** The folders of this code: `collectives/` and `transport/` in the sources, or the one of the built bundle. */
function communicationFolders(): readonly string[] {
  const here = toPath(new URL(".", import.meta.url).href);
  if (!/[/\\]src[/\\]collectives[/\\]$/.test(here)) return [here];
  return [here, toPath(new URL("../transport/", import.meta.url).href)];
}

function toPath(file: string): string {
  return file.startsWith("file://") ? fileURLToPath(file) : file;
}

function shown(file: string): string {
  const below = relative(process.cwd(), file);
  return below.startsWith("..") ? file : below;
}
