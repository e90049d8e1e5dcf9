/**
 * One rank in its worker thread: starts the engine once, then runs programs.
 *
 * @packageDocumentation
 */
import { setImmediate } from "node:timers/promises";
import { threadId } from "node:worker_threads";
import { setBackend, Tensor } from "@tensorflow/tfjs";
import { createLedger } from "../collectives/create-ledger.ts";
import type { Engine } from "../engine/engine.ts";
import { startEngine } from "../engine/start.ts";
import { ContractError, InternalError } from "../errors.ts";
import type { Transport } from "../transport/transport.ts";
import { captureOutput } from "./capture-output.ts";
import { describeThrown, toErrorRecord } from "./error-record.ts";
import { loadProgram } from "./load-program.ts";
import type { RankMessage, RankSettings, RankTask } from "./messages.ts";
import type { Program } from "./program.ts";
import { guardRank } from "./rank-guard.ts";
import { createRankWorld } from "./rank-world.ts";
import { releasingTensors } from "./release-tensors.ts";
import { createSeededRandom } from "./seeded-random.ts";

/** What a rank needs from its surroundings. */
export interface RankParts {
  readonly settings: RankSettings;
  /** Posts to the main thread. */
  readonly post: (message: RankMessage) => void;
  /** Makes `import` understand TypeScript from now on. Called before a TypeScript program is imported. */
  readonly enableTypeScript: (url: string) => Promise<void>;
  /** This rank's end of the transport, for one run. */
  readonly attach: (task: RunTask) => Transport;
}

type RunTask = Extract<RankTask, { kind: "run" }>;

/** Handles the tasks of one rank. Never throws: failures are posted. */
export class Rank {
  readonly #parts: RankParts;
  #engine: Engine | undefined;

  constructor(parts: RankParts) {
    this.#parts = parts;
  }

  /** Does one task; the promise resolves once its last message is posted. */
  async handle(task: RankTask): Promise<void> {
    if (task.kind === "start") await this.#attempt(task.rank, "setup", () => this.#start(task.rank));
    else await this.#run(task);
  }

  async #start(rank: number): Promise<void> {
    const { settings, post } = this.#parts;
    captureOutput((stream, chunk) => {
      post({ kind: "output", rank, stream, chunk });
    });
    guardRank((error) => {
      this.#fail(rank, "program", error);
    });
    this.#engine = await startEngine({
      prefer: settings.engine,
      threadsPerRank: settings.threadsPerRank,
    });
    const { name, backendName, skipped } = this.#engine;
    post({ kind: "started", rank, engine: { name, backendName, skipped } });
  }

  async #run(task: RunTask): Promise<void> {
    const program = await this.#attempt(task.rank, "setup", async () => {
      await this.#parts.enableTypeScript(task.program);
      return loadProgram(task.program);
    });
    if (program === undefined) return;
    await this.#attempt(task.rank, "program", () => this.#execute(task, program));
  }

  async #execute(task: RunTask, program: Program): Promise<void> {
    const { rank, options } = task;
    const { settings, post } = this.#parts;
    if (this.#engine === undefined) throw new InternalError(`rank ${rank} got a program before it started`);
    const transport = this.#parts.attach(task);
    const ledger = createLedger();
    const { checked, timeoutMs, topology, deterministic } = settings;
    const parts = { transport, ledger, engine: this.#engine, checked, timeoutMs, topology, deterministic };
    const world = createRankWorld(parts);
    const report = (update: unknown): void => {
      cloning("report: update", () => {
        post({ kind: "report", rank, update });
      });
    };
    // An earlier run in this thread may have made another backend current, for example `sharded`.
    await setBackend(this.#engine.backendName);
    // Every run draws the same numbers, the first as well as a warm one.
    Math.random = createSeededRandom(settings.seed);
    const { result, numTensors } = await releasingTensors(async () => {
      const returned = await program.main({ world, options, report });
      // One turn of the event loop, so that a rejection the program left unhandled is seen before the rank is done.
      await setImmediate();
      return returned;
    });
    transport.finish();
    const record = { rank, threadId, numTensors, ledger: ledger.totals() };
    cloning("defineProgram: result", () => {
      if (result instanceof Tensor) throw new TypeError("a tensor lives on its rank only");
      post({ kind: "done", rank, result, record });
    });
  }

  async #attempt<R>(
    rank: number,
    phase: "setup" | "program",
    body: () => Promise<R>,
  ): Promise<R | undefined> {
    try {
      return await body();
    } catch (error) {
      this.#fail(rank, phase, error);
      return undefined;
    }
  }

  #fail(rank: number, phase: "setup" | "program", error: unknown): void {
    this.#parts.post({ kind: "failed", rank, phase, error: toErrorRecord(error) });
  }
}

/** Explains the failure of a structured clone in `body`. */
function cloning(what: string, body: () => void): void {
  try {
    body();
  } catch (error) {
    throw new ContractError(
      `${what} must be structured-cloneable (${describeThrown(error)}); pass numbers, strings, plain objects and typed arrays (of a tensor: its dataSync()).`,
      { cause: error },
    );
  }
}
