/**
 * The frame of a training program: a world, progress, metrics, and an orderly end.
 *
 * @packageDocumentation
 */
import { join } from "node:path";
import { createWorld, describeFailure, metricsWriter, type WorldHandle } from "@meshwright/core";
import type { ExampleOptions } from "../cli/option-value.ts";
import { createProgress } from "../cli/progress.ts";
import type { TrainingOptions } from "../cli/training-options.ts";
import type { Progress } from "../cli/training-state.ts";
import type { TrainUpdate } from "./run-data.ts";

/** What a training goes by. */
interface SessionOptions {
  readonly options: TrainingOptions<string, ExampleOptions>;
  readonly tokensPerStep: number;
  /** Whether the metrics go on where an earlier run stopped. Default false. */
  readonly appendMetrics?: boolean;
}

/** What a run of a training program watches. */
export interface TrainingHooks {
  readonly onReport: (update: TrainUpdate) => void;
  readonly signal: AbortSignal;
}

/** A started world. */
export interface TrainingSession {
  readonly world: WorldHandle;
  /** Prints a line beside the progress. */
  readonly log: (line: string) => void;
  /** Shows the progress of one training, and writes its metrics. `model` names it in them, where there are several. */
  readonly train: <Result>(
    run: (hooks: TrainingHooks) => Promise<Result>,
    options?: { readonly model?: string },
  ) => Promise<Result>;
}

/** Starts the world, does `body`, and closes it. A failure, and Ctrl-C, set the exit code. */
export async function trainingSession(
  { options, tokensPerStep, appendMetrics = false }: SessionOptions,
  body: (session: TrainingSession) => Promise<void>,
): Promise<void> {
  const { ranks, engine, threadsPerRank, checked, deterministic, seed } = options;
  const abort = new AbortController();
  process.once("SIGINT", () => {
    abort.abort(new Error("interrupted"));
  });
  const shown = new ShownTraining(options, { tokensPerStep, appendMetrics });
  try {
    const world = await createWorld({ ranks, engine, threadsPerRank, checked, deterministic, seed });
    try {
      const log = (line: string): void => {
        shown.log(line);
      };
      logStart(log, { world, options, tokensPerStep });
      await body({
        ...{ world, log },
        train: (run, { model } = {}) =>
          shown.watch(model, (onReport) => run({ onReport, signal: abort.signal })),
      });
    } finally {
      await world.close();
    }
  } catch (error) {
    shown.stop();
    if (abort.signal.aborted) process.exitCode = 130;
    else {
      console.error(describeFailure(error));
      process.exitCode = 1;
    }
  } finally {
    shown.close();
  }
}

function logStart(
  log: (line: string) => void,
  {
    world,
    options: { mesh, ranks },
    tokensPerStep,
  }: Pick<SessionOptions, "options" | "tokensPerStep"> & { readonly world: WorldHandle },
): void {
  const [engine] = world.engines;
  for (const { name, reason } of engine!.skipped) log(`engine ${name} not taken: ${reason}`);
  const axes = Object.entries(mesh).map(([axis, size]) => `${axis}=${size}`);
  log(`${ranks} ranks (${axes.join(", ")}), engine ${engine!.name}, ${tokensPerStep} tokens per step`);
}

/** Progress on the terminal, and metrics in a file where there is a report. */
class ShownTraining {
  readonly #options: SessionOptions["options"];
  readonly #tokensPerStep: number;
  readonly #metrics: ReturnType<typeof metricsWriter> | undefined;
  #progress: Progress;
  #isUsed = false;

  constructor(
    options: SessionOptions["options"],
    { tokensPerStep, appendMetrics }: { readonly tokensPerStep: number; readonly appendMetrics: boolean },
  ) {
    this.#options = options;
    this.#tokensPerStep = tokensPerStep;
    this.#metrics =
      options.report === undefined
        ? undefined
        : metricsWriter(join(options.report, "metrics.jsonl"), { append: appendMetrics });
    this.#progress = this.#newProgress();
  }

  log(line: string): void {
    this.#progress.log(line);
  }

  async watch<Result>(
    model: string | undefined,
    run: (onReport: TrainingHooks["onReport"]) => Promise<Result>,
  ): Promise<Result> {
    if (this.#isUsed) this.#progress = this.#newProgress();
    this.#isUsed = true;
    const result = await run((update) => {
      this.#show(model, update);
    });
    this.stop();
    return result;
  }

  stop(): void {
    this.#progress.stop();
  }

  close(): void {
    this.#metrics?.close();
  }

  #newProgress(): Progress {
    return createProgress({ steps: this.#options.steps, enabled: this.#options.progress });
  }

  #show(model: string | undefined, update: TrainUpdate): void {
    const of = model === undefined ? {} : { model };
    this.#metrics?.write({ ...of, ...update });
    const before = model === undefined ? "" : `${model}, `;
    switch (update.kind) {
      case "step": {
        const tokensPerSecond = (1000 * this.#tokensPerStep) / update.stepMs;
        this.#progress.update({ step: update.step, loss: update.loss, tokensPerSecond });
        return;
      }
      case "validation":
        this.log(`${before}step ${update.step}: validation loss ${update.loss.toFixed(4)} nats per token`);
        return;
      case "warning":
        this.log(`warning: ${update.message}`);
    }
  }
}
