/**
 * Process groups over any transport.
 *
 * @packageDocumentation
 */
import { ContractError } from "../errors.ts";
import type { NumericArray, Transport } from "../transport/transport.ts";
import { allGather, type AllGatherOptions } from "./all-gather.ts";
import { allReduce, type AllReduceOptions } from "./all-reduce.ts";
import { allToAll, type AllToAllOptions } from "./all-to-all.ts";
import { broadcast } from "./broadcast.ts";
import { GroupContext } from "./group-context.ts";
import type { Ledger } from "./ledger.ts";
import { receive, send, type PointToPointOptions } from "./point-to-point.ts";
import type { CollectiveOptions, ProcessGroup } from "./process-group.ts";
import { reduceScatter, type ReduceScatterOptions } from "./reduce-scatter.ts";

/** Longest time that a rank waits for another one, unless the program says otherwise. */
const DEFAULT_TIMEOUT_MS = 60_000;

/** What a process group needs besides its ranks. */
export interface ProcessGroupOptions {
  /** The mesh axis, `"world"`, or a name of the program's. The same on all members. */
  readonly name: string;
  readonly ledger: Ledger;
  /**
   * Checked mode: publish the call site with every call (some microseconds each), so that messages about a rank that did
   * not arrive say where its last call was. Calls are compared across ranks in any case.
   */
  readonly checked?: boolean;
  /** How long a rank waits for another one before it throws `CollectiveTimeoutError`. Default 60 s. */
  readonly timeoutMs?: number;
}

/**
 * A group of some ranks of a transport. Every member calls it, in the same order among themselves; others do not.
 * A group of one rank moves nothing and is not in the ledger.
 *
 * @throws ContractError if `ranks` are not ascending ranks of the transport, or if this rank is not one of them.
 */
export function createProcessGroup(
  transport: Transport,
  ranks: readonly number[],
  options: ProcessGroupOptions,
): ProcessGroup {
  const { name, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  checkRanks(transport, ranks, name);
  if (!(timeoutMs > 0)) {
    throw new ContractError(
      `createProcessGroup ("${name}"): timeoutMs (${timeoutMs}) must be positive; use Infinity to wait for ever.`,
    );
  }
  const communicator = transport.open(ranks, { name, timeoutMs });
  const { ledger, checked = false } = options;
  return new TransportGroup(new GroupContext(name, { communicator, ledger, checked }), ranks);
}

function checkRanks(transport: Transport, ranks: readonly number[], name: string): void {
  const where = `createProcessGroup ("${name}")`;
  const list = `[${ranks.join(", ")}]`;
  const inRange = ranks.every(
    (rank, index) =>
      Number.isInteger(rank) &&
      rank >= 0 &&
      rank < transport.size &&
      (index === 0 || rank > ranks[index - 1]!),
  );
  if (!inRange) {
    throw new ContractError(
      `${where}: ranks (${list}) must be different ranks of the world in ascending order; use 0 to ${transport.size - 1}.`,
    );
  }
  if (!ranks.includes(transport.rank)) {
    throw new ContractError(
      `${where}: ranks (${list}) must hold the calling rank (${transport.rank}); create a group only on its members.`,
    );
  }
}

class TransportGroup implements ProcessGroup {
  readonly name: string;
  readonly ranks: readonly number[];
  readonly rank: number;
  readonly size: number;
  readonly #context: GroupContext;

  constructor(context: GroupContext, ranks: readonly number[]) {
    this.name = context.name;
    this.ranks = [...ranks];
    this.rank = context.rank;
    this.size = context.size;
    this.#context = context;
  }

  allReduce<T extends NumericArray>(buffer: T, options?: AllReduceOptions<T>): T {
    return allReduce(this.#context, buffer, options);
  }

  allGather<T extends NumericArray>(local: T, options?: AllGatherOptions<T>): T {
    return allGather(this.#context, local, options);
  }

  reduceScatter<T extends NumericArray>(local: T, options?: ReduceScatterOptions<T>): T {
    return reduceScatter(this.#context, local, options);
  }

  allToAll<T extends NumericArray>(local: T, options?: AllToAllOptions<T>): T {
    return allToAll(this.#context, local, options);
  }

  broadcast<T extends NumericArray>(buffer: T, options?: CollectiveOptions & { readonly root?: number }): T {
    return broadcast(this.#context, buffer, options);
  }

  send(buffer: NumericArray, to: number, options?: PointToPointOptions): void {
    send(this.#context, buffer, to, options);
  }

  receive<T extends NumericArray>(buffer: T, from: number, options?: PointToPointOptions): T {
    return receive(this.#context, buffer, from, options);
  }

  barrier({ label = "" }: CollectiveOptions = {}): void {
    if (this.size === 1) return;
    this.#context.begin({ collective: "barrier", label, length: 0 }, { sent: 0, total: 0 });
    this.#context.communicator.barrier();
  }
}
