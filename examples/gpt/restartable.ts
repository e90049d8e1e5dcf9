/**
 * The small training as a program for `meshwright run`, with an accident on the way; `restart.test.ts` and `hosts.test.ts` start it.
 *
 * @packageDocumentation
 */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  defineProgram,
  latestCheckpoint,
  type CommandLineOptions,
  type ProgramContext,
} from "@meshwright/core";
import { createMesh } from "@meshwright/sharding";
import { SMALL_TRAINING } from "./small-training.ts";
import { traceOf } from "./trace.ts";
import { trainModel, type ModelOnMesh } from "./train-model.ts";
import { wholeModel } from "./whole-model.ts";

/** What rank 0 prints at the end, as JSON. */
export interface Outcome {
  readonly ranks: number;
  readonly resumedFrom: string | undefined;
  readonly losses: readonly number[];
  readonly finalHash: string;
  /** Of the last step: how long the collectives over the axis took by the trace, and what rank 0 sent in them. */
  readonly tracedMs: number;
  readonly bytesSent: number;
}

const STEPS = 10;
/** The step that the accident breaks off. */
const BROKEN_STEP = 6;
const POLL_MS = 5;

export default defineProgram(async ({ world, options }: ProgramContext<CommandLineOptions, never>) => {
  const [dir, axis, accident] = options.args as [string, "dp" | "tp", "none" | "exit" | "kill" | "stall"];
  const marker = join(dir, "accident");
  const resumedFrom = options.resume && existsSync(dir) ? latestCheckpoint(dir) : undefined;
  const checkpoints = { dir, every: 2, resume: resumedFrom !== undefined };
  const sizes = { dp: 1, pp: 1, tp: 1, [axis]: world.size };
  const training = { ...SMALL_TRAINING, steps: STEPS, mesh: sizes, pipeline: undefined, checkpoints };
  let step = resumedFrom === undefined ? 0 : Number(resumedFrom.slice(-2));

  function build(timed: typeof world): ModelOnMesh {
    const mesh = createMesh(timed, sizes);
    const trainer = wholeModel(mesh, training);
    return {
      mesh,
      trainer: {
        ...trainer,
        step(batch, optimizer) {
          if (++step === BROKEN_STEP && world.rank === 1) haveAccident();
          return trainer.step(batch, optimizer);
        },
      },
    };
  }

  /** Once, and after the first checkpoint is there. */
  function haveAccident(): void {
    if (accident === "none" || existsSync(marker)) return;
    while (latestCheckpoint(dir) === undefined) sleep(POLL_MS);
    writeFileSync(marker, "");
    if (accident === "kill") process.kill(process.pid, "SIGKILL");
    if (accident === "stall") {
      console.log("stalled");
      sleep(Infinity);
    }
    process.exit(3);
  }

  const context = { world, options: training, report: (): void => undefined };
  const result = await trainModel(context, build);
  const { losses, finalHash, communication } = result;
  const spans = traceOf([result]).filter((event) => event.kind === "span" && event.category === axis);
  const outcome: Outcome = {
    ...{ ranks: world.size, resumedFrom, losses, finalHash },
    tracedMs: spans.reduce((sum, span) => sum + (span.kind === "span" ? span.durationMs : 0), 0),
    bytesSent: communication.reduce((sum, total) => sum + (total.group === axis ? total.bytesSent : 0), 0),
  };
  if (world.rank === 0) console.log(`outcome ${JSON.stringify(outcome)}`);
});

function sleep(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
