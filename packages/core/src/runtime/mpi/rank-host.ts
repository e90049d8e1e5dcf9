/**
 * The main thread's side of the rank of this process: starts its thread, passes on its tasks, and watches how long it waits.
 *
 * @packageDocumentation
 */
import type { ResourceLimits } from "node:worker_threads";
import { Worker } from "node:worker_threads";
import { ContractError } from "../../errors.ts";
import type { MpiLauncher } from "../../transport/mpi/launcher.ts";
import { readMemberStatus, type MemberStatus } from "../../transport/mpi/member-status.ts";
import type { OpenedGroup } from "../../transport/mpi/attach.ts";
import { applyLibrarySettings } from "../../transport/mpi/library-settings.ts";
import { createOwnPlace, resetOwnPlace, type PlaceMemory } from "../../transport/mpi/own-place.ts";
import { checkTopologyHosts, type Topology } from "../../topology/topology.ts";
import { abortArena } from "../../transport/threads/arena.ts";
import { fromErrorRecord, toErrorRecord } from "../error-record.ts";
import { RankDeathError } from "../gang.ts";
import type { RankSettings } from "../messages.ts";
import { locateWorker } from "../worker-entry.ts";
import type { MpiWorkerData, News, Order, WorkerNews, WorkerOrder } from "./orders.ts";
import { checkFacts, fileHash, type StartFacts } from "./start-facts.ts";

/** How often it looks at its rank, and how long a rank waits before rank 0 hears of it. */
const WATCH_MS = 250;
const WAITING_MS = 1_000;

/** What a rank's host is made with. */
export interface RankHostParts {
  readonly settings: RankSettings;
  readonly launcher: MpiLauncher;
  readonly resourceLimits: ResourceLimits | undefined;
  readonly facts: StartFacts;
  readonly onNews: (news: News) => void;
}

/** The rank of this process. */
export class RankHost {
  readonly #worker: Worker;
  readonly #place: PlaceMemory;
  /** The launcher's number, and from `joined` on the rank. */
  #rank: number;
  readonly #topology: Topology | undefined;
  readonly #onNews: (news: News) => void;
  readonly #watch: NodeJS.Timeout;
  readonly #exit: Promise<void>;
  #groups: OpenedGroup[] = [];
  #joined: (facts: readonly StartFacts[]) => void = () => undefined;
  #failedToJoin: (error: unknown) => void = () => undefined;
  /** The call in which the rank was last seen, and since when, where it does not say itself. */
  #seen = { calls: -1, sinceMs: 0 };
  #isEnding = false;

  /** The facts of all ranks, once MPI runs; rejects if it does not start or if ranks differ in what they claim. */
  readonly joined: Promise<readonly StartFacts[]>;

  constructor({ settings, launcher, resourceLimits, facts, onNews }: RankHostParts) {
    this.#rank = launcher.rank;
    this.#topology = settings.topology;
    this.#place = createOwnPlace(launcher.size);
    this.#onNews = onNews;
    this.joined = new Promise((resolve, reject) => {
      this.#joined = resolve;
      this.#failedToJoin = reject;
    });
    applyLibrarySettings();
    const data: MpiWorkerData = { settings, launcher, place: this.#place, facts: JSON.stringify(facts) };
    const { filename, execArgv } = locateWorker("mpi");
    this.#worker = new Worker(filename, {
      workerData: data,
      ...(execArgv === undefined ? {} : { execArgv: [...execArgv] }),
      ...(resourceLimits === undefined ? {} : { resourceLimits }),
    });
    this.#worker.on("message", (news: WorkerNews) => {
      this.#receive(news);
    });
    this.#worker.on("error", (error) => {
      this.#die(error);
    });
    this.#exit = new Promise((resolve) => {
      this.#worker.once("exit", (code) => {
        this.#die(new RankDeathError(code));
        resolve();
      });
    });
    this.#watch = setInterval(() => {
      this.#look();
    }, WATCH_MS);
    this.#watch.unref();
  }

  /** This process's rank, once `joined`. */
  get rank(): number {
    return this.#rank;
  }

  /** Does what rank 0 says, but for `end` and `abort`, which concern the whole process. */
  obey(order: Extract<Order, { kind: "task" | "describe" }>): void {
    if (order.kind === "describe") {
      this.#onNews({ kind: "status", question: order.question, status: this.#status() });
      return;
    }
    const { task, ranks, programHash } = order;
    if (task.kind === "start") {
      this.#send({ kind: "task", task, ranks });
      return;
    }
    if (!this.#hasProgram(task.program, programHash)) return;
    resetOwnPlace(this.#place);
    this.#groups = [];
    this.#send({ kind: "task", task: { ...task, arena: this.#place.arena }, ranks });
  }

  /** Ends MPI, which all ranks do together, and the thread. */
  async end(): Promise<void> {
    this.#isEnding = true;
    clearInterval(this.#watch);
    this.#send({ kind: "end" });
    await this.#exit;
  }

  /** Stops the rank where it can be stopped, and lets the process end without it. */
  abandon(): void {
    this.#isEnding = true;
    clearInterval(this.#watch);
    abortArena(this.#place.arena);
    this.#worker.unref();
  }

  #send(order: WorkerOrder): void {
    this.#worker.postMessage(order);
  }

  #receive(news: WorkerNews): void {
    switch (news.kind) {
      case "joined":
        this.#rank = news.rank;
        this.#join(news.facts);
        break;
      case "failed to join":
        this.#failedToJoin(fromErrorRecord(news.error));
        break;
      case "group":
        this.#groups[news.group.number] = news.group;
        break;
      case "idle":
      case "message":
        this.#onNews(news);
        break;
    }
  }

  #join(facts: readonly StartFacts[]): void {
    try {
      checkFacts(facts);
      const hosts = facts.map(({ host }) => host);
      if (this.#topology !== undefined) checkTopologyHosts("createWorld", this.#topology, hosts);
      this.#joined(facts);
    } catch (error) {
      this.#failedToJoin(error);
    }
  }

  /** Whether the program file is the same as on rank 0; says so if it is not. */
  #hasProgram(program: string, expected: string): boolean {
    let found: string;
    try {
      found = fileHash(program);
    } catch (error) {
      found = error instanceof Error ? error.message : String(error);
    }
    if (found === expected) return true;
    const error = new ContractError(
      `MPI: program file ${program} (${expected} on rank 0; ${found} on rank ${this.#rank}) must be the same on all ranks; copy it to every host.`,
    );
    const message = {
      kind: "failed",
      rank: this.#rank,
      phase: "setup",
      error: toErrorRecord(error),
    } as const;
    this.#onNews({ kind: "message", message });
    return false;
  }

  #status(): MemberStatus {
    const status = readMemberStatus(this.#place, this.#rank, this.#groups);
    if (status.forMs !== undefined) return status;
    const { calls, sinceMs } = this.#seen;
    return { ...status, forMs: calls === status.calls ? Date.now() - sinceMs : 0 };
  }

  #look(): void {
    const status = this.#status();
    if (status.calls !== this.#seen.calls) this.#seen = { calls: status.calls, sinceMs: Date.now() };
    const isInCall = status.state === "waiting" || status.state === "calling";
    if (isInCall && (status.forMs ?? 0) >= WAITING_MS) this.#onNews({ kind: "waiting" });
  }

  #die(error: unknown): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.#failedToJoin(error);
    this.#onNews({ kind: "died", error: toErrorRecord(error) });
  }
}
