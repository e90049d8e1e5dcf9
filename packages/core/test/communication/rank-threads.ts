/**
 * Threads that stay warm between tests, each of which is one rank.
 *
 * @packageDocumentation
 */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { createThreadsArena, type ThreadsArena } from "../../src/transport/threads/arena.ts";
import type { RankPrograms } from "./rank-programs.ts";

/** What the main thread sends to a rank. */
export interface RankTask {
  readonly arena: ThreadsArena;
  readonly rank: number;
  readonly program: keyof RankPrograms;
  readonly input: unknown;
  readonly timeoutMs: number;
  readonly checked: boolean;
}

/** What the rank answers. */
export type RankReply =
  | { readonly kind: "done"; readonly value: unknown }
  | { readonly kind: "failed"; readonly name: string; readonly message: string };

/** Settings of one run. */
export interface RunSettings {
  readonly ranks: number;
  readonly arena?: ThreadsArena;
  readonly timeoutMs?: number;
  readonly checked?: boolean;
}

/** The input of a program; `null` for programs without one. */
export type RankInput<Name extends keyof RankPrograms> =
  Parameters<RankPrograms[Name]> extends readonly [unknown, infer Input] ? Input : null;

/** A pool of rank threads. */
export class RankThreads {
  readonly #workers: readonly Worker[];

  constructor(maxRanks: number) {
    const file = new URL("./rank-thread.mjs", import.meta.url);
    this.#workers = Array.from({ length: maxRanks }, () => new Worker(file));
  }

  /** Runs a program on every rank; `replies[r]` is what rank `r` answered. */
  async replies<Name extends keyof RankPrograms>(
    settings: RunSettings,
    program: Name,
    input: RankInput<Name>,
  ): Promise<readonly RankReply[]> {
    const arena = settings.arena ?? createThreadsArena({ ranks: settings.ranks });
    const { timeoutMs = 60_000, checked = false } = settings;
    return Promise.all(
      this.#workers.slice(0, settings.ranks).map(async (worker, rank) => {
        const reply = once(worker, "message");
        worker.postMessage({ arena, rank, program, input, timeoutMs, checked } satisfies RankTask);
        return (await reply)[0] as RankReply;
      }),
    );
  }

  /** As `replies`, for runs in which no rank fails. */
  async run<Name extends keyof RankPrograms>(
    settings: RunSettings,
    program: Name,
    input: RankInput<Name>,
  ): Promise<readonly ReturnType<RankPrograms[Name]>[]> {
    const replies = await this.replies(settings, program, input);
    return replies.map((reply) => {
      if (reply.kind === "failed") throw new Error(`${reply.name}: ${reply.message}`);
      return reply.value as ReturnType<RankPrograms[Name]>;
    });
  }

  /** Ends all threads, blocked ones too; returns their exit codes. */
  async close(): Promise<readonly number[]> {
    return Promise.all(this.#workers.map((worker) => worker.terminate()));
  }
}
