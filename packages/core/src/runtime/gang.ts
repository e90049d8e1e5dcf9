/**
 * The worker threads of a world: a piscina pool with exactly one thread per rank, started and stopped together.
 *
 * @packageDocumentation
 */
import type { ResourceLimits } from "node:worker_threads";
import { Piscina } from "piscina";
import type { RankMessage, RankSettings, RankTask } from "./messages.ts";
import { locateWorker } from "./worker-entry.ts";

/** Whom a gang tells. */
export interface GangListener {
  onMessage(message: RankMessage): void;
  /** The thread of `rank` ended or could not go on, without having been asked to. */
  onDeath(rank: number, error: unknown): void;
}

/** The ranks of a session: threads of this process, or processes. */
export interface RankGang {
  /** Gives each of the first `ranks` ranks its task. Resolves once all of them are idle again. */
  dispatch(ranks: number, taskOf: (rank: number) => RankTask): Promise<void>;
  /** Ends all ranks, whatever they do. Idempotent. */
  stop(): Promise<void>;
}

/** A rank's thread ended without a word. */
export class RankDeathError extends Error {
  override readonly name: string = "RankDeathError";

  constructor(exitCode: number) {
    super(`its thread ended with exit code ${exitCode}`);
  }
}

/** Threads 0 to `ranks - 1`; thread `r` gets every task of rank `r`. */
export class Gang implements RankGang {
  readonly #pool: Piscina;
  readonly #listener: GangListener;
  readonly #exits: Promise<unknown>[];
  #stopped: Promise<void> | undefined;

  constructor(settings: RankSettings, resourceLimits: ResourceLimits | undefined, listener: GangListener) {
    const { filename, execArgv } = locateWorker();
    this.#listener = listener;
    this.#pool = new Piscina({
      filename,
      minThreads: settings.ranks,
      maxThreads: settings.ranks,
      concurrentTasksPerWorker: 1,
      idleTimeout: Infinity,
      // An idle rank must see its event loop, or a late rejection of its program would go unnoticed.
      atomics: "disabled",
      recordTiming: false,
      workerData: settings,
      ...(execArgv === undefined ? {} : { execArgv: [...execArgv] }),
      ...(resourceLimits === undefined ? {} : { resourceLimits }),
    });
    this.#pool.on("message", (message: RankMessage) => {
      listener.onMessage(message);
    });
    // The same errors arrive through the workers' own events, with the rank; unheard, this event would throw.
    this.#pool.on("error", () => undefined);
    this.#exits = this.#pool.threads.map((worker, rank) => {
      worker.on("error", (error) => {
        this.#die(rank, error);
      });
      worker.on("exit", (code) => {
        this.#die(rank, new RankDeathError(code));
      });
      return new Promise((resolve) => worker.once("exit", resolve));
    });
  }

  /**
   * Gives each of the first `ranks` ranks its task. The promise resolves once all threads are idle again. Piscina hands
   * tasks to idle threads in order, so task `r` reaches thread `r` as long as calls do not overlap.
   */
  async dispatch(ranks: number, taskOf: (rank: number) => RankTask): Promise<void> {
    const tasks = Array.from({ length: ranks }, async (_, rank) => {
      try {
        await this.#pool.run(taskOf(rank));
      } catch (error) {
        this.#die(rank, error);
      }
    });
    await Promise.all(tasks);
  }

  /** Ends all threads, also those that block or spin, and waits until they are gone. Idempotent. */
  async stop(): Promise<void> {
    this.#stopped ??= this.#destroy();
    await this.#stopped;
  }

  async #destroy(): Promise<void> {
    // Piscina replaces a thread that ends by itself, and does so again where its exit comes after `destroy`.
    do {
      await this.#pool.destroy();
      await Promise.all(this.#exits);
    } while (this.#pool.threads.length > 0);
  }

  #die(rank: number, error: unknown): void {
    if (this.#stopped === undefined) this.#listener.onDeath(rank, error);
  }
}
