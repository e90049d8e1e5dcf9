/**
 * The threads transport: ranks are threads of one process that share an arena.
 *
 * @packageDocumentation
 */
import { hostname } from "node:os";
import { ContractError } from "../../errors.ts";
import type { Communicator, OpenOptions, Transport } from "../transport.ts";
import type { ThreadsArena } from "./arena.ts";
import { ArenaMemory } from "./arena-memory.ts";
import { ArenaTexts } from "./arena-texts.ts";
import { hashText } from "../hash-text.ts";
import { IncomingMail } from "./incoming-mail.ts";
import { Outbox } from "./outbox.ts";
import { OutgoingMail } from "./outgoing-mail.ts";
import { OwnStatus } from "./own-status.ts";
import { ReduceKernels } from "./reduce-kernels.ts";
import { StatusBoard, type RankStatus } from "./status-board.ts";
import { ThreadsCommunicator, type ThreadsRankParts } from "./threads-communicator.ts";
import { Waiter } from "./waiter.ts";
import { Watchdog } from "./watchdog.ts";

/**
 * This thread's end of a threads world. Each rank attaches once; a warm world calls `resetArena` before the next run's
 * ranks attach.
 *
 * @throws ContractError if `rank` is not a rank of the arena.
 */
export function attachThreads(arena: ThreadsArena, rank: number): Transport {
  if (!Number.isInteger(rank) || rank < 0 || rank >= arena.ranks) {
    throw new ContractError(
      `attachThreads: rank (${rank}) must be an integer below the arena's ranks (${arena.ranks}); use 0 to ${arena.ranks - 1}.`,
    );
  }
  return new ThreadsTransport(arena, rank);
}

/** What every rank does, for the main thread to show. Index = rank. */
export function readRankStatuses(arena: ThreadsArena): readonly RankStatus[] {
  const memory = new ArenaMemory(arena);
  const board = new StatusBoard(memory, new ArenaTexts(memory, 0));
  return Array.from({ length: arena.ranks }, (_, rank) => board.statusOf(rank));
}

class ThreadsTransport implements Transport {
  readonly kind = "threads";
  readonly rank: number;
  readonly size: number;
  readonly hosts: readonly string[];
  readonly #parts: ThreadsRankParts;
  readonly #waiter: Waiter;
  /** How often each set of ranks was opened, which tells groups of the same ranks apart. */
  readonly #opened = new Map<string, number>();

  constructor(arena: ThreadsArena, rank: number) {
    this.rank = rank;
    this.size = arena.ranks;
    this.hosts = new Array<string>(arena.ranks).fill(hostname());
    const memory = new ArenaMemory(arena);
    const texts = new ArenaTexts(memory, rank);
    const status = new OwnStatus(memory, rank, texts);
    const watchdog = new Watchdog(memory, rank, status, new StatusBoard(memory, texts));
    const waiter = new Waiter(memory, { rank, spin: arena.spin, status, blocked: watchdog });
    const worldRanks = Array.from({ length: arena.ranks }, (_, other) => other);
    const incoming = worldRanks.map((from) => new IncomingMail(memory, from, rank, waiter));
    watchdog.connect(waiter, () => {
      for (const mail of incoming) mail.take();
    });
    this.#waiter = waiter;
    this.#parts = {
      worldRank: rank,
      memory,
      outbox: new Outbox(memory, rank, waiter),
      kernels: new ReduceKernels(memory, rank, arena.memory),
      watchdog,
      spin: arena.spin,
      status,
      outgoing: worldRanks.map((to) => new OutgoingMail(memory, rank, to, waiter)),
      incoming,
    };
  }

  open(ranks: readonly number[], options: OpenOptions): Communicator {
    const key = ranks.join();
    const times = this.#opened.get(key) ?? 0;
    this.#opened.set(key, times + 1);
    return new ThreadsCommunicator(
      this.#parts,
      [...ranks],
      options,
      hashText(`${key} ${options.name} ${times}`),
    );
  }

  finish(): void {
    this.#parts.status.publishFinish();
    this.#waiter.ringAll();
  }
}
