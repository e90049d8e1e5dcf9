/**
 * Checkpoints of the training: written while it goes on, and where it goes on from.
 *
 * @packageDocumentation
 */
import { existsSync } from "node:fs";
import { ContractError, latestCheckpoint, type AdamW } from "@meshwright/core";
import { loadCheckpoint, saveCheckpoint, type PendingCheckpoint } from "@meshwright/sharding";
import type { GPTCommandOptions } from "./command.ts";
import type { TrainOptions, TrainResult } from "./run-data.ts";
import type { Trainer, TrainMesh } from "./trainer.ts";

/** How many stay. */
const KEEP = 2;

/** What the training recorded up to a checkpoint. */
export type TrainingRecord = Pick<TrainResult, "losses" | "validation">;

/** Saves a training. All methods are collectives. */
export interface Checkpoints {
  /** Steps that were done before this run. */
  readonly stepsDone: number;
  /** What they recorded. */
  readonly record: TrainingRecord;
  /** Saves if it is time to, in the background. */
  save(step: number, record: TrainingRecord): Promise<void>;
  /** Waits for the last one. */
  finish(): Promise<void>;
}

/** What the command line says about checkpoints. @throws ContractError if it does not fit together. */
export function checkCheckpoints({ extra: { checkpointDir, resume } }: GPTCommandOptions): void {
  if (!resume) return;
  if (checkpointDir === undefined) {
    throw new ContractError(
      "--resume: --checkpoint-dir (none) must be given with it; use --checkpoint-dir FOLDER.",
    );
  }
  if (!existsSync(checkpointDir) || latestCheckpoint(checkpointDir) === undefined) {
    throw new ContractError(
      `--resume: --checkpoint-dir (${checkpointDir}) must hold a checkpoint; use the folder of the run to resume, or leave --resume out.`,
    );
  }
}

/** Loads the latest checkpoint if the training is to go on from it. */
export async function openCheckpoints(
  {
    mesh,
    trainer,
    optimizer,
  }: { readonly mesh: TrainMesh; readonly trainer: Trainer; readonly optimizer: AdamW },
  { checkpoints, model, batchSize, seed, steps, pipeline }: TrainOptions,
): Promise<Checkpoints> {
  const nothing = { losses: [], validation: [] };
  if (checkpoints === undefined) {
    const done = (): Promise<void> => Promise.resolve();
    return { stepsDone: 0, record: nothing, save: done, finish: done };
  }
  const { dir, every, resume } = checkpoints;
  const config = { model: { ...model }, batchSize, seed };
  const state = { model: trainer.model, parameters: trainer.parameters, optimizer, config };
  const loaded = resume ? await loadCheckpoint(dir, state, { mesh }) : undefined;
  if (loaded !== undefined && loaded.step >= steps) {
    throw new ContractError(
      `--resume: checkpoint (step ${loaded.step}) must be of fewer than --steps (${steps}); use more --steps.`,
    );
  }
  const where = { mesh, keep: KEEP, ...(pipeline !== undefined && { pipelineAxis: "pp" as const }) };
  let pending: PendingCheckpoint | undefined;
  return {
    stepsDone: loaded?.step ?? 0,
    record: (loaded?.extra as TrainingRecord | undefined) ?? nothing,
    async save(step, { losses, validation }) {
      if (step % every !== 0 && step !== steps) return;
      const facts = { step, dataPosition: { batch: step }, extra: { losses, validation } };
      pending = await saveCheckpoint(dir, { ...state, ...facts }, { ...where, async: true });
    },
    async finish() {
      await pending?.finished();
    },
  };
}
