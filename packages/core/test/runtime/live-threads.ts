import type { Worker } from "node:worker_threads";

/** Counts the worker threads of this process that are alive, from now on. */
export function countThreads(): { live(): number; started(): number } {
  let live = 0;
  let started = 0;
  process.on("worker", (worker: Worker) => {
    live += 1;
    started += 1;
    worker.once("exit", () => {
      live -= 1;
    });
  });
  return { live: () => live, started: () => started };
}
