/**
 * A thread that is one rank: runs named programs of `rank-programs.ts` on the arenas that it is sent.
 *
 * @packageDocumentation
 */
import { parentPort } from "node:worker_threads";
import { createLedger } from "../../src/collectives/create-ledger.ts";
import { createProcessGroup } from "../../src/collectives/create-process-group.ts";
import { attachThreads } from "../../src/transport/threads/attach.ts";
import type { RankReply, RankTask } from "./rank-threads.ts";
import type { RankContext } from "./rank-context.ts";
import { rankPrograms } from "./rank-programs.ts";

parentPort?.on("message", (task: RankTask) => {
  parentPort?.postMessage(run(task));
});

function run({ arena, rank, program, input, timeoutMs, checked }: RankTask): RankReply {
  const transport = attachThreads(arena, rank);
  const ledger = createLedger();
  const context: RankContext = {
    rank,
    size: arena.ranks,
    ledger,
    transport,
    group: (ranks, name, ownTimeoutMs = timeoutMs) =>
      createProcessGroup(transport, ranks, { name, ledger, timeoutMs: ownTimeoutMs, checked }),
  };
  try {
    return { kind: "done", value: rankPrograms[program](context, input as never) };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { kind: "failed", name: error.name, message: error.message };
  } finally {
    transport.finish();
  }
}
