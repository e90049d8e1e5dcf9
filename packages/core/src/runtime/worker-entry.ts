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
  // The bundler moves this module into a chunk anywhere below dist.
  const end = moduleUrl.lastIndexOf("/dist/");
  if (end === -1) throw new InternalError(`no worker entry is known for the module ${moduleUrl}`);
  return {
    filename: fileURLToPath(`${moduleUrl.slice(0, end)}/dist/runtime/${built}`),
    execArgv: undefined,
  };
}
