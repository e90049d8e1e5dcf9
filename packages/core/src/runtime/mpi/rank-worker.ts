/**
 * Entry of the thread that is a rank of an MPI world: starts MPI, meets the other ranks, and does the tasks of its process's
 * main thread. In the source tree `rank-worker-source.mjs` loads it; in `dist` it is its own entry.
 *
 * @packageDocumentation
 */
import { parentPort, workerData } from "node:worker_threads";
import { InternalError } from "../../errors.ts";
import { MpiProcess } from "../../transport/mpi/attach.ts";
import { gatherTexts } from "../../transport/mpi/gather-texts.ts";
import { enableTypeScript } from "../enable-typescript.ts";
import { toErrorRecord } from "../error-record.ts";
import { Rank } from "../rank.ts";
import { hostOrder } from "./host-order.ts";
import type { MpiWorkerData, WorkerNews, WorkerOrder } from "./orders.ts";
import { FACTS_BYTES, type StartFacts } from "./start-facts.ts";

const port = parentPort;
if (port === null) throw new InternalError("the MPI worker entry was imported outside a worker thread");
const { settings, launcher, place, facts } = workerData as MpiWorkerData;
const post = (news: WorkerNews): void => {
  port.postMessage(news);
};

let ranksInRun = launcher.size;
let hosts: readonly string[] = [];
const mpi = join();

const rank = new Rank({
  settings,
  post: (message) => {
    post({ kind: "message", message });
  },
  enableTypeScript: enableTypeScript(),
  attach: () => {
    if (mpi === undefined) throw new InternalError("a rank got a program although MPI did not start");
    return mpi.attach(place, {
      deterministic: settings.deterministic,
      hosts,
      ranks: ranksInRun,
      onGroup: (group) => {
        post({ kind: "group", group });
      },
    });
  },
});

port.on("message", (order: WorkerOrder) => {
  if (order.kind === "end") {
    mpi?.mpi.finalize();
    port.close();
    return;
  }
  ranksInRun = order.ranks;
  void rank.handle(order.task).then(() => {
    post({ kind: "idle" });
  });
});

function join(): MpiProcess | undefined {
  try {
    const started = MpiProcess.start(launcher);
    const world = { communicator: started.mpi.world, size: started.mpi.size };
    const own = JSON.parse(facts) as StartFacts;
    const claims = [
      ...own.claims,
      { what: "MPI library", value: started.mpi.version, fix: "install the same version on every host" },
    ];
    const all = gatherTexts(started.mpi, world, JSON.stringify({ ...own, claims }), FACTS_BYTES);
    const order = hostOrder(all.map((text) => (JSON.parse(text) as StartFacts).host));
    started.mpi.renumber(order);
    const ranked = order.map((process) => JSON.parse(all[process]!) as StartFacts);
    hosts = ranked.map(({ host }) => host);
    post({ kind: "joined", rank: started.mpi.rank, facts: ranked });
    return started;
  } catch (error) {
    post({ kind: "failed to join", error: toErrorRecord(error) });
    return undefined;
  }
}
