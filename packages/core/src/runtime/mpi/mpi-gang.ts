/**
 * The ranks of an MPI world as rank 0's main thread sees them: the counterpart of `Gang`.
 *
 * MPI moves the tensors; everything else (tasks, reports, results, failures, what ranks print) goes over one TCP connection
 * from every process to rank 0, because a thread that is inside MPI cannot be reached by it.
 *
 * @packageDocumentation
 */
import type { ResourceLimits } from "node:worker_threads";
import { failureError } from "../../transport/failures.ts";
import type { MpiLauncher } from "../../transport/mpi/launcher.ts";
import { describeFailure } from "../describe-failure.ts";
import { toErrorRecord, fromErrorRecord } from "../error-record.ts";
import type { GangListener, RankGang } from "../gang.ts";
import type { RankSettings, RankTask } from "../messages.ts";
import { ControlServer } from "./control-server.ts";
import { endProcess } from "./end-process.ts";
import type { News, Order } from "./orders.ts";
import { RankHost } from "./rank-host.ts";
import { StallWatch } from "./stall-watch.ts";
import { fileHash, type Claim, type StartFacts } from "./start-facts.ts";
import { ownFacts } from "./own-facts.ts";

/** The process of a rank is gone. */
export class RankProcessError extends Error {
  override readonly name: string = "RankProcessError";

  constructor(host: string) {
    super(`its process on ${host} has ended or cannot be reached`);
  }
}

/** What an MPI gang is made with. */
export interface MpiGangParts {
  readonly settings: RankSettings;
  readonly launcher: MpiLauncher;
  readonly resourceLimits: ResourceLimits | undefined;
  readonly claims: readonly Claim[];
  readonly listener: GangListener;
}

/** One process per rank; this one is rank 0. */
export class MpiGang implements RankGang {
  readonly #listener: GangListener;
  readonly #size: number;
  readonly #ready: Promise<void>;
  readonly #watch: StallWatch;
  #host: RankHost | undefined;
  #server: ControlServer | undefined;
  #facts: readonly StartFacts[] = [];
  /** Resolves the current task of each rank that works. */
  readonly #working = new Map<number, () => void>();
  #hasFailed = false;
  #stopped: Promise<void> | undefined;
  #uncaught: unknown;
  readonly #noteUncaught = (error: unknown): void => {
    this.#uncaught = error;
  };
  readonly #endWithIt = (code: number): void => {
    // Node prints an uncaught error only after this event.
    if (this.#uncaught !== undefined) console.error(describeFailure(this.#uncaught));
    endProcess(code === 0 ? 1 : code);
  };

  constructor(parts: MpiGangParts) {
    this.#listener = parts.listener;
    this.#size = parts.launcher.size;
    this.#watch = new StallWatch(this.#size, {
      timeoutMs: parts.settings.timeoutMs,
      ask: (question) => {
        this.#orderAll({ kind: "describe", question });
      },
      onVerdict: ({ kind, text }) => {
        this.#fail(0, "program", withoutStack(failureError(kind, text)));
      },
    });
    // A process that ends otherwise than by `stop` must not wait for its rank.
    process.once("exit", this.#endWithIt);
    process.on("uncaughtExceptionMonitor", this.#noteUncaught);
    this.#ready = this.#start(parts).catch((error: unknown) => {
      this.#fail(0, "setup", error);
    });
  }

  /** The host of a rank; `undefined` where all are on one. */
  hostOf(rank: number): string | undefined {
    const hosts = new Set(this.#facts.map(({ host }) => host));
    return hosts.size > 1 ? this.#facts[rank]!.host : undefined;
  }

  async dispatch(ranks: number, taskOf: (rank: number) => RankTask): Promise<void> {
    await this.#ready;
    if (this.#stopped !== undefined || this.#hasFailed) return;
    let programHash: string | undefined;
    const tasks = Array.from({ length: ranks }, async (_, rank) => {
      const task = taskOf(rank);
      const done = new Promise<void>((resolve) => this.#working.set(rank, resolve));
      if (task.kind === "start") this.#order(rank, { kind: "task", task, ranks, programHash: "" });
      else {
        // Every process has memory of its own.
        const plain = { kind: task.kind, rank, program: task.program, options: task.options };
        programHash ??= fileHash(task.program);
        this.#order(rank, { kind: "task", task: plain, ranks, programHash });
      }
      await done;
    });
    await Promise.all(tasks);
  }

  async stop(): Promise<void> {
    this.#stopped ??= this.#hasFailed || this.#working.size > 0 ? this.#abandon() : this.#end();
    await this.#stopped;
  }

  async #start({ settings, launcher, resourceLimits, claims }: MpiGangParts): Promise<void> {
    const server = await ControlServer.listen(launcher, {
      onNews: (rank, news) => {
        this.#receive(rank, news);
      },
      onLost: (rank) => {
        if (this.#stopped !== undefined) return;
        this.#hasFailed = true;
        this.#listener.onDeath(
          rank,
          withoutStack(new RankProcessError(this.#facts[rank]?.host ?? "its host")),
        );
      },
    });
    this.#server = server;
    this.#host = new RankHost({
      ...{ settings, launcher, resourceLimits },
      facts: { ...ownFacts(claims), control: server.address },
      onNews: (news) => {
        this.#receive(0, news);
      },
    });
    this.#facts = await this.#host.joined;
    await server.allConnected;
  }

  async #end(): Promise<void> {
    await this.#ready;
    this.#watch.stop();
    this.#server?.sendAll({ kind: "end" });
    await this.#host?.end();
    process.off("exit", this.#endWithIt);
    process.off("uncaughtExceptionMonitor", this.#noteUncaught);
    this.#server?.close();
  }

  /** The other processes end when this one has; their last words, and this one's, are printed before. */
  #abandon(): Promise<void> {
    this.#watch.stop();
    this.#server?.sendAll({ kind: "abort" });
    this.#server?.unref();
    this.#host?.abandon();
    for (const done of this.#working.values()) done();
    return Promise.resolve();
  }

  #orderAll(order: Extract<Order, { kind: "describe" }>): void {
    for (let rank = 0; rank < this.#size; rank++) this.#order(rank, order);
  }

  #order(rank: number, order: Extract<Order, { kind: "task" | "describe" }>): void {
    if (rank === 0) this.#host?.obey(order);
    else this.#server?.send(rank, order);
  }

  #receive(rank: number, news: News): void {
    switch (news.kind) {
      case "message":
        if (news.message.kind === "failed") this.#hasFailed = true;
        this.#listener.onMessage(news.message);
        break;
      case "idle":
        this.#working.get(rank)?.();
        this.#working.delete(rank);
        break;
      case "waiting":
        if (!this.#hasFailed && this.#stopped === undefined) this.#watch.noteWaiting();
        break;
      case "status":
        this.#watch.noteStatus(news.question, news.status);
        break;
      case "died":
        this.#hasFailed = true;
        this.#listener.onDeath(rank, fromErrorRecord(news.error));
        break;
      case "hello":
        break;
    }
  }

  #fail(rank: number, phase: "setup" | "program", error: unknown): void {
    this.#hasFailed = true;
    this.#listener.onMessage({ kind: "failed", rank, phase, error: toErrorRecord(error) });
  }
}

/** Where rank 0 noticed it says nothing; the text says where the ranks were. */
function withoutStack(error: Error): Error {
  error.stack = `${error.name}: ${error.message}`;
  return error;
}
