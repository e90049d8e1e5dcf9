/**
 * The training loop.
 *
 * @packageDocumentation
 */
import type { AdamW, ProgramContext, World } from "@meshwright/core";
import { countCommunication } from "@meshwright/sharding";
import type { TokenDataset } from "../data/token-dataset.ts";
import type { Checkpoints } from "./checkpoints.ts";
import type { StepTiming, TrainOptions, TrainResult, TrainUpdate } from "./run-data.ts";
import type { StepCollective } from "./trace.ts";
import type { Trainer } from "./trainer.ts";

/** What the loop works with. */
export interface LoopParts {
  readonly world: World;
  readonly dataset: TokenDataset;
  readonly trainer: Trainer;
  readonly optimizer: AdamW;
  readonly options: TrainOptions;
  readonly checkpoints: Checkpoints;
  /** The collectives since it was last asked. */
  readonly takeCollectives: () => readonly StepCollective[];
  readonly report: ProgramContext<TrainOptions, TrainUpdate>["report"];
}

/** What the loop records. */
export type LoopRecord = Pick<
  TrainResult,
  "losses" | "validation" | "timings" | "communication" | "collectives"
>;

/** Trains up to step `options.steps`; validates and saves now and then and after the last step. */
export async function runTrainingLoop(parts: LoopParts): Promise<LoopRecord> {
  const { world, dataset, trainer, optimizer, options, checkpoints, report } = parts;
  const { batchSize, seed, steps } = options;
  const shape = { batchSize, contextLength: options.model.contextLength };
  const losses = [...checkpoints.record.losses];
  const validation = [...checkpoints.record.validation];
  const timings: StepTiming[] = [];
  let communication: LoopRecord["communication"] = [];
  let collectives: readonly StepCollective[] = [];
  for (let step = checkpoints.stepsDone + 1; step <= steps; step++) {
    const batch = dataset.batchAt(step - 1, { ...shape, seed });
    parts.takeCollectives();
    const { result, totals } = countCommunication(world, () => trainer.step(batch, optimizer));
    collectives = parts.takeCollectives();
    communication = totals;
    losses.push(result.loss);
    timings.push(result);
    if (world.rank === 0) report({ kind: "step", step, loss: result.loss, stepMs: result.totalMs });
    if (step % options.validateEvery === 0 || step === steps) {
      const loss = meanLoss(
        trainer,
        dataset.validationBatches({ ...shape, numBatches: options.validationBatches }),
      );
      validation.push({ step, loss });
      if (world.rank === 0) report({ kind: "validation", step, loss });
    }
    await checkpoints.save(step, { losses, validation });
  }
  await checkpoints.finish();
  return { losses, validation, timings, communication, collectives };
}

function meanLoss(trainer: Trainer, batches: ReturnType<TokenDataset["validationBatches"]>): number {
  return batches.reduce((sum, batch) => sum + trainer.evaluate(batch), 0) / batches.length;
}
