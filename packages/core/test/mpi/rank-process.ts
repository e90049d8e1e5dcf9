/**
 * A process that is one rank: runs jobs of `rank-programs.ts` over MPI, one after the other, and writes its replies to
 * a file. Arguments: the file with the jobs, and the folder for the replies.
 *
 * @packageDocumentation
 */
import { readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { deserialize, serialize } from "node:v8";
import { createLedger } from "../../src/collectives/create-ledger.ts";
import { createProcessGroup } from "../../src/collectives/create-process-group.ts";
import { MpiProcess } from "../../src/transport/mpi/attach.ts";
import { detectLauncher } from "../../src/transport/mpi/launcher.ts";
import { applyLibrarySettings } from "../../src/transport/mpi/library-settings.ts";
import { createOwnPlace } from "../../src/transport/mpi/own-place.ts";
import { rankPrograms } from "../communication/rank-programs.ts";
import type { RankReply } from "../communication/rank-threads.ts";
import type { RankContext } from "../communication/rank-context.ts";
import type { MpiJob } from "./rank-processes.ts";

const [jobsFile, replies] = process.argv.slice(2) as [string, string];
const launcher = detectLauncher(process.env);
if (launcher === undefined) throw new Error("rank-process must be started by mpirun");
applyLibrarySettings();
const mpi = MpiProcess.start(launcher);
const hosts = new Array<string>(mpi.mpi.size).fill(hostname());
const jobs = deserialize(readFileSync(jobsFile)) as readonly MpiJob[];
writeFileSync(join(replies, String(mpi.mpi.rank)), serialize(jobs.map(run)));
mpi.mpi.finalize();

function run({ program, input, checked, deterministic }: MpiJob): RankReply {
  const transport = mpi.attach(createOwnPlace(mpi.mpi.size), { deterministic, hosts });
  const ledger = createLedger();
  const context: RankContext = {
    rank: transport.rank,
    size: transport.size,
    ledger,
    transport,
    group: (ranks, name) => createProcessGroup(transport, ranks, { name, ledger, checked }),
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
