/**
 * A world as the main thread sees it: started once, kept warm, asked to run programs.
 *
 * @packageDocumentation
 */
import { hostname } from "node:os";
import { preferredEngine } from "../engine/preferred-engine.ts";
import { prepareTensorflowProcess } from "../engine/tensorflow/prepare-process.ts";
import { ContractError } from "../errors.ts";
import { describeThrown } from "./error-record.ts";
import { checkProgramFile } from "./load-program.ts";
import type { MpiLauncher } from "../transport/mpi/launcher.ts";
import type { GangListener, RankGang } from "./gang.ts";
import type { EngineChoice, RankRecord, RankSettings } from "./messages.ts";
import type { Program } from "./program.ts";
import type { AnyProgram, ResultOf, RunArguments } from "./program-types.ts";
import { LineAssembler, printLines } from "./rank-output.ts";
import { follow } from "./mpi/follow.ts";
import { mpiLauncher } from "./mpi/mpi-launcher.ts";
import { MpiGang } from "./mpi/mpi-gang.ts";
import { settingsClaim, type Claim } from "./mpi/start-facts.ts";
import { checkTopologyHosts } from "../topology/topology.ts";
import { Session } from "./session.ts";
import { rankSettings, type WorldOptions } from "./world-options.ts";

/**
 * Starts a world: one worker thread per rank, each with its engine. It stays warm between runs; close it at the end.
 *
 * @example
 * ```ts
 * const world = await createWorld({ ranks: 4 });
 * await world.run(new URL("./train.ts", import.meta.url));
 * await world.close();
 * ```
 * @throws ContractError if an option is out of range; whatever the engine threw if it does not start.
 */
export async function createWorld(options: WorldOptions): Promise<WorldHandle> {
  return WorldHandle.start(options);
}

/** A world of ranks, made by `createWorld`. */
export class WorldHandle {
  readonly #settings: RankSettings;
  readonly #options: WorldOptions;
  readonly #lines: LineAssembler;
  readonly #launcher: MpiLauncher | undefined;
  readonly #claims: readonly Claim[];
  #gang: MpiGang | undefined;
  #session: Session | undefined;
  #isBusy = false;
  #isClosed = false;
  #engines: readonly EngineChoice[] = [];
  #lastRun: readonly RankRecord[] | undefined;

  private constructor(options: WorldOptions, claims: readonly Claim[]) {
    this.#settings = rankSettings("createWorld", options);
    this.#options = options;
    this.#launcher = mpiLauncher("createWorld", options);
    const { ranks, topology } = this.#settings;
    if (this.#launcher === undefined && topology !== undefined) {
      checkTopologyHosts("createWorld", topology, new Array<string>(ranks).fill(hostname()));
    }
    this.#claims = [...claims, settingsClaim(this.#settings)];
    this.#lines = new LineAssembler(
      options.output ?? printLines(options.ranks, (rank) => this.#gang?.hostOf(rank)),
    );
  }

  /**
   * The same as `createWorld`, with a signal that ends the start, and with what all processes of an MPI job must agree
   * in. In such a job only rank 0 returns from it; the other processes are ranks, and end with the world.
   */
  static async start(
    options: WorldOptions,
    signal?: AbortSignal,
    claims: readonly Claim[] = [],
  ): Promise<WorldHandle> {
    const handle = new WorldHandle(options, claims);
    const { rank } = handle.#launcher ?? { rank: 0 };
    if (rank > 0) await handle.#follow(signal);
    await handle.#liveSession(signal);
    return handle;
  }

  /** Number of ranks. */
  get size(): number {
    return this.#settings.ranks;
  }

  /** The engine of each rank, and why not another. */
  get engines(): readonly EngineChoice[] {
    return this.#engines;
  }

  /** What each rank did in the last run that succeeded: its thread, the tensors it leaked, its ledger. */
  get lastRun(): readonly RankRecord[] | undefined {
    return this.#lastRun;
  }

  /**
   * Runs a program on all ranks, or the first so many, and returns their results in rank order. After a failure the next run starts fresh
   * threads. A file that changed since an earlier run is not read again; make another world for it.
   *
   * @example
   * ```ts
   * import type train from "./train.ts";
   * const losses = await world.run<typeof train>(new URL("./train.ts", import.meta.url), { steps: 3 });
   * ```
   * @throws RankError if a rank fails: `cause` is the rank's own error, and all threads have ended.
   * @throws ContractError if the file or its default export is not a program, if the options cannot be cloned, if
   * `ranks` is not in the world, or if the world is busy or closed.
   */
  async run<P extends AnyProgram = Program>(
    program: URL,
    ...[options, settings]: RunArguments<P>
  ): Promise<ResultOf<P>[]> {
    const url = checkProgramFile("world.run", program);
    const ranks = settings?.ranks ?? this.size;
    if (!Number.isInteger(ranks) || ranks < 1 || ranks > this.size) {
      throw new ContractError(
        `world.run: ranks (${ranks}) must be an integer from 1 to the ${this.size} of the world; leave it out for all.`,
      );
    }
    checkCloneable(options);
    this.#checkFree();
    this.#isBusy = true;
    try {
      const session = await this.#liveSession(settings?.signal);
      const outcomes = await session.run(
        { program: url, options },
        {
          ranks,
          signal: settings?.signal,
          // The program's type says what it reports; nothing else comes through this door.
          onReport: settings?.onReport as ((update: unknown, rank: number) => void) | undefined,
        },
      );
      this.#lastRun = outcomes.map(({ record }) => record);
      return outcomes.map(({ result }) => result as ResultOf<P>);
    } finally {
      this.#isBusy = false;
    }
  }

  /** Ends all threads, also in the middle of a run, which then rejects. Resolves when they are gone. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#session?.stop();
  }

  async #follow(signal: AbortSignal | undefined): Promise<never> {
    prepareProcess({ ...this.#settings, ranks: 1 });
    return follow({
      ...{ settings: this.#settings, launcher: this.#launcher!, claims: this.#claims, signal },
      resourceLimits: this.#options.resourceLimits,
    });
  }

  #createGang(listener: GangListener): RankGang | undefined {
    if (this.#launcher === undefined) return undefined;
    this.#gang = new MpiGang({
      ...{ settings: this.#settings, launcher: this.#launcher, claims: this.#claims, listener },
      resourceLimits: this.#options.resourceLimits,
    });
    return this.#gang;
  }

  #checkFree(): void {
    this.#checkOpen();
    if (this.#isBusy) {
      throw new ContractError(
        "world.run: the world must be idle, but it is running a program; await that run, or use a second world.",
      );
    }
  }

  #checkOpen(): void {
    if (this.#isClosed) {
      throw new ContractError("world.run: the world must be open, but it was closed; use createWorld again.");
    }
  }

  /** The session, started anew if there is none or if it failed. */
  async #liveSession(signal: AbortSignal | undefined): Promise<Session> {
    signal?.throwIfAborted();
    const previous = this.#session;
    if (previous?.isOver === false) return previous;
    await previous?.stop();
    this.#checkOpen();
    prepareProcess(this.#launcher === undefined ? this.#settings : { ...this.#settings, ranks: 1 });
    const session = new Session({
      createGang: (listener) => this.#createGang(listener),
      settings: this.#settings,
      resourceLimits: this.#options.resourceLimits,
      lines: this.#lines,
    });
    this.#session = session;
    this.#engines = await session.start(signal);
    return session;
  }
}

/** What the native engine needs done in this thread before its ranks' threads start. */
function prepareProcess({ engine, threadsPerRank, ranks }: RankSettings): void {
  const wanted = preferredEngine(engine, ["tensorflow", "wasm", "cpu"], process.env);
  if (wanted === "wasm" || wanted === "cpu") return;
  prepareTensorflowProcess({ threadsPerRank, ranks, isShared: true });
}

function checkCloneable(options: unknown): void {
  try {
    structuredClone(options);
  } catch (error) {
    throw new ContractError(
      `world.run: options must be structured-cloneable (${describeThrown(error)}); pass numbers, strings, plain objects and typed arrays.`,
      { cause: error },
    );
  }
}
