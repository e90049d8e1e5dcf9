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

/** Finds the worker beside the module at `moduleUrl` (this one). */
export function locateWorker(moduleUrl: string = import.meta.url): WorkerEntry {
  if (moduleUrl.endsWith(".ts")) {
    return {
      filename: fileURLToPath(new URL("./worker-source.mjs", moduleUrl)),
      // Programs in this workspace import our packages' sources, not their builds.
      execArgv: ["--conditions=@meshwright/source"],
    };
  }
  // The bundler moves this module into a chunk anywhere below dist.
  const end = moduleUrl.lastIndexOf("/dist/");
  if (end === -1) throw new InternalError(`no worker entry is known for the module ${moduleUrl}`);
  return {
    filename: fileURLToPath(`${moduleUrl.slice(0, end)}/dist/runtime/worker.js`),
    execArgv: undefined,
  };
}
