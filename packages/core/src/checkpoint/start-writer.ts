/**
 * Starts and awaits the thread that writes a rank's part of a checkpoint.
 *
 * @packageDocumentation
 */
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { InternalError } from "../errors.ts";
import { CheckpointError } from "./checkpoint-error.ts";
import { GIVE_UP, type WriterJob, type WriterMessage } from "./writer-job.ts";

/** A part that is being written. */
export interface BackgroundWriter {
  /** Bytes of the part's file, once it is on the disk. */
  readonly written: Promise<number>;
  /** The checkpoint's folder, once it is complete; rejected where the job has no `commit`. */
  readonly committed: Promise<string>;
  /** Resolves once the thread is gone. */
  readonly ended: Promise<void>;
  /** No checkpoint will come of it: the thread ends without waiting for the parts of other ranks. */
  giveUp(): void;
}

/** Starts the thread. The memory of the job's pieces goes over to it. */
export function startWriter(job: WriterJob): BackgroundWriter {
  const { filename, execArgv } = locateWriter(import.meta.url);
  const worker = new Worker(filename, {
    workerData: job,
    transferList: job.pieces.map(({ data }) => data.buffer as ArrayBuffer),
    ...(execArgv === undefined ? {} : { execArgv: [...execArgv] }),
  });
  const written = deferred<number>();
  const committed = deferred<string>();
  const fail = (error: Error): void => {
    written.reject(error);
    committed.reject(error);
  };
  worker.on("message", (message: WriterMessage) => {
    if (message.kind === "written") written.resolve(message.bytes);
    else if (message.kind === "committed") committed.resolve(message.folder);
    else fail(new CheckpointError(message.message));
  });
  worker.on("error", fail);
  const ended = new Promise<void>((resolve) => {
    worker.on("exit", () => {
      fail(new InternalError("a checkpoint's writer thread ended without a word"));
      resolve();
    });
  });
  return {
    written: written.promise,
    committed: committed.promise,
    ended,
    giveUp: () => {
      worker.postMessage(GIVE_UP);
    },
  };
}

interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
}

function deferred<T>(): Deferred<T> {
  let resolve!: (value: T) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<T>((onValue, onError) => {
    resolve = onValue;
    reject = onError;
  });
  // Whoever awaits it gets the error; until then it must not count as unhandled.
  promise.catch(() => undefined);
  return { promise, resolve, reject };
}

function locateWriter(moduleUrl: string): {
  readonly filename: string;
  readonly execArgv?: readonly string[];
} {
  if (moduleUrl.endsWith(".ts")) {
    return {
      filename: fileURLToPath(new URL("./writer-source.mjs", moduleUrl)),
      execArgv: ["--conditions=@meshwright/source"],
    };
  }
  // The bundler moves this module into a chunk anywhere below dist.
  const end = moduleUrl.lastIndexOf("/dist/");
  if (end === -1) throw new InternalError(`no writer entry is known for the module ${moduleUrl}`);
  return { filename: fileURLToPath(`${moduleUrl.slice(0, end)}/dist/checkpoint/writer-thread.js`) };
}
