/**
 * The arena: the shared memory through which the ranks of one process communicate.
 *
 * @packageDocumentation
 */
import { availableParallelism } from "node:os";
import { ContractError } from "../../errors.ts";
import { ABORTED, DOORBELL, LINE_WORDS, MESSAGE_HEADER_WORDS, threadsLayout } from "./layout.ts";
import { webAssembly, type SharedWasmMemory } from "./web-assembly.ts";

/** Shared memory of a world of threads. Made once by the main thread, sent to every rank (structured-cloneable). */
export interface ThreadsArena {
  readonly memory: SharedWasmMemory;
  readonly ranks: number;
  /** Bytes of data in one outbox slot: large arrays go through in pieces of at most this. */
  readonly chunkBytes: number;
  /** Bytes that one rank can send to another before the other one takes them. */
  readonly mailboxBytes: number;
  /** Whether waiting ranks poll for a moment before they sleep: only where every rank has a core. */
  readonly spin: boolean;
}

/** Sizes of an arena. */
export interface ThreadsArenaOptions {
  readonly ranks: number;
  /** Multiple of 1024. Default: 256 KiB for up to 3 ranks, 1 MiB for more (the best of those measured). */
  readonly chunkBytes?: number;
  /** Power of two, at least 1024. Default: 1 MiB, less where many ranks would need more than 256 MiB in all. */
  readonly mailboxBytes?: number;
}

/** A mailbox is filled and emptied by quarters, each of which holds some headers at least. */
const MIN_MAILBOX_BYTES = 32 * MESSAGE_HEADER_WORDS * 4;
/** Bytes of a wasm page, and the most pages that a memory has. */
const PAGE_BYTES = 65_536;
const MAX_PAGES = 65_536;

/**
 * Makes the shared memory of a world of `ranks` threads. Untouched parts cost no memory.
 *
 * @example
 * ```ts
 * const arena = createThreadsArena({ ranks: 2 });
 * new Worker(file, { workerData: { arena, rank: 1 } }); // there: attachThreads(arena, rank)
 * ```
 * @throws ContractError if a size is out of range, or if all of them need more than 4 GiB.
 */
export function createThreadsArena(options: ThreadsArenaOptions): ThreadsArena {
  const { ranks } = options;
  if (!Number.isInteger(ranks) || ranks < 1) {
    throw new ContractError(
      `createThreadsArena: ranks (${ranks}) must be a positive integer; use the number of threads.`,
    );
  }
  const chunkBytes = options.chunkBytes ?? defaultChunkBytes(ranks);
  if (!Number.isInteger(chunkBytes) || chunkBytes < 1024 || chunkBytes % 1024 !== 0) {
    throw new ContractError(
      `createThreadsArena: chunkBytes (${chunkBytes}) must be a positive multiple of 1024; use ${defaultChunkBytes(ranks)}.`,
    );
  }
  const mailboxBytes = options.mailboxBytes ?? defaultMailboxBytes(ranks);
  if (!Number.isInteger(Math.log2(mailboxBytes)) || mailboxBytes < MIN_MAILBOX_BYTES) {
    throw new ContractError(
      `createThreadsArena: mailboxBytes (${mailboxBytes}) must be a power of two of at least ${MIN_MAILBOX_BYTES}; use ${defaultMailboxBytes(ranks)}.`,
    );
  }
  const pages = Math.ceil((threadsLayout({ ranks, chunkBytes, mailboxBytes }).words * 4) / PAGE_BYTES);
  if (pages > MAX_PAGES) {
    throw new ContractError(
      `createThreadsArena: ${ranks} ranks with chunkBytes ${chunkBytes} and mailboxBytes ${mailboxBytes} need ${pages} pages; one memory must not have more than ${MAX_PAGES}; use smaller sizes.`,
    );
  }
  const memory = new (webAssembly().Memory)({ initial: pages, maximum: pages, shared: true });
  return { memory, ranks, chunkBytes, mailboxBytes, spin: ranks <= availableParallelism() };
}

/**
 * Stops the world: every rank that is blocked in a call, or makes one later, throws `WorldAbortedError`. Callable from
 * any thread.
 */
export function abortArena(arena: ThreadsArena): void {
  const words = new Int32Array(arena.memory.buffer);
  const { doorbells } = threadsLayout(arena);
  // Before the bells: a rank that reads its bell after this store also sees the flag.
  Atomics.store(words, ABORTED, 1);
  for (let rank = 0; rank < arena.ranks; rank++) {
    const bell = doorbells + rank * LINE_WORDS + DOORBELL;
    // A rank that has read its bell but does not sleep yet finds it changed, and does not fall asleep.
    Atomics.add(words, bell, 1);
    Atomics.notify(words, bell);
  }
}

/**
 * Makes a used arena as good as new, for the next run of a warm world. Only while no rank is attached. The data regions
 * stay as they are: they are read only as far as the counters say.
 */
export function resetArena(arena: ThreadsArena): void {
  new Int32Array(arena.memory.buffer).fill(0, 0, threadsLayout(arena).scratch);
}

function defaultChunkBytes(ranks: number): number {
  return ranks <= 3 ? 262_144 : 1_048_576;
}

function defaultMailboxBytes(ranks: number): number {
  const share = Math.floor(268_435_456 / (ranks * ranks));
  return 2 ** Math.min(20, Math.max(12, Math.floor(Math.log2(share))));
}
