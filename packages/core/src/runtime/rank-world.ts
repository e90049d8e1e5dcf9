/**
 * The `World` that a program sees on one rank.
 *
 * @packageDocumentation
 */
import { createProcessGroup } from "../collectives/create-process-group.ts";
import type { Ledger } from "../collectives/ledger.ts";
import type { ProcessGroup } from "../collectives/process-group.ts";
import type { Engine } from "../engine/engine.ts";
import type { Topology } from "../topology/topology.ts";
import type { Transport } from "../transport/transport.ts";
import type { World } from "./program.ts";

/** What a rank's world is made of. */
export interface RankWorldParts {
  readonly transport: Transport;
  readonly ledger: Ledger;
  readonly engine: Engine;
  readonly checked: boolean;
  /** How long a collective waits for a rank that does not arrive. */
  readonly timeoutMs: number;
  readonly topology: Topology | undefined;
  /** Over MPI: add in the order of ranks, as threads do. */
  readonly deterministic: boolean;
}

/** Builds the world of the rank at this end of the transport. The same for threads and MPI. */
export function createRankWorld(parts: RankWorldParts): World {
  const { transport, ledger, engine, checked, timeoutMs, topology, deterministic } = parts;
  const createGroup = (ranks: readonly number[], options: { readonly name: string }): ProcessGroup =>
    createProcessGroup(transport, ranks, { name: options.name, ledger, checked, timeoutMs });
  const all = Array.from({ length: transport.size }, (_, rank) => rank);
  return {
    rank: transport.rank,
    size: transport.size,
    group: createGroup(all, { name: "world" }),
    createGroup,
    hosts: transport.hosts,
    ...(topology === undefined ? {} : { topology }),
    deterministic: deterministic || transport.kind === "threads",
    ledger,
    engine,
    checked,
  };
}
