/**
 * One gang from its start to its end: turns what the ranks say into the outcome of a start or of a run.
 *
 * @packageDocumentation
 */
import type { ResourceLimits } from "node:worker_threads";
import { ContractError, InternalError } from "../errors.ts";
import { createThreadsArena, resetArena, type ThreadsArena } from "../transport/threads/arena.ts";
import {
  CollectiveDeadlockError,
  CollectiveMismatchError,
  CollectiveTimeoutError,
  RankFinishedError,
} from "../transport/failures.ts";
import { Attempt } from "./attempt.ts";
import { describeThrown, fromErrorRecord } from "./error-record.ts";
import { Gang, type GangListener, type RankGang } from "./gang.ts";
import type { EngineChoice, RankMessage, RankRecord, RankSettings, RankTask } from "./messages.ts";
import { RankError } from "./rank-error.ts";
import type { LineAssembler } from "./rank-output.ts";

/** What a rank delivers at the end of a run. */
export interface RankOutcome {
  readonly result: unknown;
  readonly record: RankRecord;
}

/** What every rank is to run. */
export type ProgramTask = Omit<Extract<RankTask, { kind: "run" }>, "kind" | "rank" | "arena">;

/** What to watch during a run. */
export interface RunWatch {
  readonly ranks: number;
  readonly onReport: ((update: unknown, rank: number) => void) | undefined;
  readonly signal: AbortSignal | undefined;
}

/** What the ranks are doing, if anything. */
type Activity =
  | { readonly kind: "start"; readonly attempt: Attempt<EngineChoice> }
  | { readonly kind: "run"; readonly attempt: Attempt<RankOutcome>; readonly onReport: RunWatch["onReport"] };

/** What a session is made with. */
export interface SessionParts {
  readonly settings: RankSettings;
  readonly resourceLimits: ResourceLimits | undefined;
  readonly lines: LineAssembler;
  /** Makes the ranks. Default: threads of this process. */
  readonly createGang?: ((listener: GangListener) => RankGang | undefined) | undefined;
}

/** A started gang. After its first failure it is over, and its threads have ended or are ending. */
export class Session {
  readonly #gang: RankGang;
  /** By number of ranks: a run may take fewer than there are. */
  readonly #arenas = new Map<number, ThreadsArena>();
  readonly #ranks: number;
  readonly #lines: LineAssembler;
  #activity: Activity | undefined;
  #isOver = false;

  constructor({ settings, resourceLimits, lines, createGang }: SessionParts) {
    this.#ranks = settings.ranks;
    this.#lines = lines;
    const listener: GangListener = {
      onMessage: (message) => {
        this.#receive(message);
      },
      onDeath: (rank, error) => {
        this.#fail(new RankError(rank, error));
      },
    };
    this.#gang = createGang?.(listener) ?? new Gang(settings, resourceLimits, listener);
  }

  /** Whether something failed, so that no further run is possible. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Starts the engine of every rank. */
  async start(signal: AbortSignal | undefined): Promise<EngineChoice[]> {
    const attempt = new Attempt<EngineChoice>(this.#ranks);
    this.#activity = { kind: "start", attempt };
    return this.#carryOut(attempt, signal, (rank) => ({ kind: "start", rank }));
  }

  /** Runs a program on the first `ranks` ranks; the others stay idle. */
  async run(task: ProgramTask, { ranks, onReport, signal }: RunWatch): Promise<RankOutcome[]> {
    const arena = this.#arenaOf(ranks);
    resetArena(arena);
    const attempt = new Attempt<RankOutcome>(ranks);
    this.#activity = { kind: "run", attempt, onReport };
    return this.#carryOut(attempt, signal, (rank) => ({ ...task, kind: "run", rank, arena }));
  }

  /** Ends all threads; what they are doing fails. */
  async stop(): Promise<void> {
    this.#fail(
      new ContractError("world.close: the world must not be closed during a run; await the run first."),
    );
    await this.#gang.stop();
  }

  /** Waits for every rank. Rejects with the first failure or the abort, once all threads have ended. */
  async #carryOut<T>(
    attempt: Attempt<T>,
    signal: AbortSignal | undefined,
    taskOf: (rank: number) => RankTask,
  ): Promise<T[]> {
    const abort = (): void => {
      this.#fail(signal?.reason);
    };
    signal?.addEventListener("abort", abort);
    const idle = this.#gang.dispatch(attempt.size, taskOf);
    try {
      if (signal?.aborted === true) abort();
      const values = await attempt.finished;
      await idle;
      return values;
    } catch (error) {
      await this.#gang.stop();
      throw error;
    } finally {
      signal?.removeEventListener("abort", abort);
      this.#activity = undefined;
      this.#lines.flush();
    }
  }

  #arenaOf(ranks: number): ThreadsArena {
    const arena = this.#arenas.get(ranks) ?? createThreadsArena({ ranks });
    this.#arenas.set(ranks, arena);
    return arena;
  }

  #fail(error: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    void this.#gang.stop();
    this.#activity?.attempt.fail(error);
  }

  #receive(message: RankMessage): void {
    try {
      this.#take(message);
    } catch (error) {
      // Thrown by the caller's own onReport or output.
      this.#fail(error);
    }
  }

  #take(message: RankMessage): void {
    const activity = this.#activity;
    switch (message.kind) {
      case "output":
        this.#lines.push(message.rank, message.stream, message.chunk);
        break;
      case "report":
        if (activity?.kind === "run") activity.onReport?.(message.update, message.rank);
        break;
      case "started":
        if (activity?.kind === "start") activity.attempt.arrive(message.rank, message.engine);
        break;
      case "done":
        if (activity?.kind === "run") activity.attempt.arrive(message.rank, message);
        break;
      case "failed":
        this.#takeFailure(message);
        break;
      default:
        message satisfies never;
        throw new InternalError("a rank sent a message of unknown kind");
    }
  }

  #takeFailure(message: Extract<RankMessage, { kind: "failed" }>): void {
    const error = fromErrorRecord(message.error);
    if (this.#activity === undefined && !this.#isOver) {
      const text = `failed between two runs: ${describeThrown(error)}\n`;
      this.#lines.push(message.rank, "stderr", text);
    }
    this.#fail(isOfOneRank(message, error) ? new RankError(message.rank, error) : error);
  }
}

/** Errors of setting up, and of ranks that disagree, say themselves whom they concern. */
function isOfOneRank(message: Extract<RankMessage, { kind: "failed" }>, error: unknown): boolean {
  const kinds = [CollectiveMismatchError, CollectiveTimeoutError, CollectiveDeadlockError, RankFinishedError];
  return message.phase === "program" && !kinds.some((kind) => error instanceof kind);
}
