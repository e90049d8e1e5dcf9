/**
 * Whether a world runs over MPI.
 *
 * @packageDocumentation
 */
import { isMainThread } from "node:worker_threads";
import { ContractError } from "../../errors.ts";
import { detectLauncher, type MpiLauncher } from "../../transport/mpi/launcher.ts";
import { checkPmiDescriptor } from "../../transport/mpi/pmi-descriptor.ts";
import type { WorldOptions } from "../world-options.ts";

/**
 * The launcher whose processes are the ranks; `undefined` for a world of threads.
 *
 * @throws ContractError if the world has another number of ranks than there are processes, or MpiStartError if the launcher cannot
 *   be reached.
 */
export function mpiLauncher(
  where: string,
  { ranks, transport = "auto" }: Pick<WorldOptions, "ranks" | "transport">,
): MpiLauncher | undefined {
  if (transport === "threads" || !isMainThread) return undefined;
  checkPmiDescriptor(where, process.env);
  const launcher = detectLauncher(process.env);
  if (launcher === undefined || launcher.size === ranks) return launcher;
  throw new ContractError(
    `${where}: ranks (${ranks}) must be the number of processes that ${launcher.name} started (${launcher.size}); start ${ranks} of them, leave the number of ranks out, or use transport: "threads".`,
  );
}
