/**
 * Entry of a rank's worker thread. In the source tree `worker-source.mjs` loads it; in `dist` it is its own entry.
 *
 * @packageDocumentation
 */
import { parentPort, workerData } from "node:worker_threads";
import { InternalError } from "../errors.ts";
import { attachThreads } from "../transport/threads/attach.ts";
import { enableTypeScript } from "./enable-typescript.ts";
import type { RankSettings, RankTask } from "./messages.ts";
import { Rank } from "./rank.ts";

function createRank(): Rank {
  const port = parentPort;
  if (port === null) throw new InternalError("the worker entry was imported outside a worker thread");
  return new Rank({
    settings: workerData as RankSettings,
    post: (message) => {
      port.postMessage(message);
    },
    enableTypeScript: enableTypeScript(),
    attach: (task) => attachThreads(task.arena, task.rank),
  });
}

const rank = createRank();

/** What piscina calls with each task. */
export default (task: RankTask): Promise<void> => rank.handle(task);
