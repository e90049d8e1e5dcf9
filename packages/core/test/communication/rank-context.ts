/**
 * What the programs of rank threads get.
 *
 * @packageDocumentation
 */
import type { Ledger } from "../../src/collectives/ledger.ts";
import type { ProcessGroup } from "../../src/collectives/process-group.ts";
import type { Transport } from "../../src/transport/transport.ts";

/** What a program gets. */
export interface RankContext {
  readonly rank: number;
  readonly size: number;
  readonly ledger: Ledger;
  readonly transport: Transport;
  /** Opens a group; the time limit is that of the run unless given. */
  group(ranks: readonly number[], name: string, timeoutMs?: number): ProcessGroup;
}
