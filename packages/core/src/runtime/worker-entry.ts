/**
 * Where the worker of a rank lies, in the source tree and in the published package.
 *
 * @packageDocumentation
 */
import { fileURLToPath } from "node:url";
import { InternalError } from "../errors.ts";

/** A worker file and the Node options that it needs. */
export interface WorkerEntry {
  readonly filename: string;
  /** `undefined` takes over the options of this process. */
  readonly execArgv: readonly string[] | undefined;
}

/** The files of each kind of rank below `src/runtime` and `dist/runtime`. */
const FILES = {
  threads: { source: "./worker-source.mjs", built: "worker.js" },
  mpi: { source: "./mpi/rank-worker-source.mjs", built: "mpi/rank-worker.js" },
} as const;

/** Finds the worker of a kind of rank beside the module at `moduleUrl` (this one). */
export function locateWorker(
  kind: keyof typeof FILES = "threads",
  moduleUrl: string = import.meta.url,
): WorkerEntry {
  const { source, built } = FILES[kind];
  if (moduleUrl.endsWith(".ts")) {
    return {
      filename: fileURLToPath(new URL(source, moduleUrl)),
      // Programs in this workspace import our packages' sources, not their builds.
      execArgv: ["--conditions=@meshwright/source"],
    };
  }
  return {
    filename: fileURLToPath(`${builtFolder(moduleUrl)}/runtime/${built}`),
    execArgv: undefined,
  };
}

/** A program of this package, by its path below `src` and `dist`, without an ending. */
export function programEntry(path: string, moduleUrl: string = import.meta.url): URL {
  if (moduleUrl.endsWith(".ts")) return new URL(`../${path}.ts`, moduleUrl);
  return new URL(`${builtFolder(moduleUrl)}/${path}.js`);
}

/** The `dist` folder: the bundler moves this module into a chunk anywhere below it. */
function builtFolder(moduleUrl: string): string {
  const end = moduleUrl.lastIndexOf("/dist/");
  if (end === -1) throw new InternalError(`no worker entry is known for the module ${moduleUrl}`);
  return `${moduleUrl.slice(0, end)}/dist`;
}
