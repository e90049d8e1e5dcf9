/**
 * A GPT with experts: data-parallel over `dp` and `ep`, experts over `ep`, tensor-parallel over `tp`.
 *
 * @packageDocumentation
 */
import { initialize, setTraining } from "@meshwright/core";
import { finishMoEStep, moeGPT, setRouterStep, type ExpertLoadRecord } from "@meshwright/moe";
import type { DeviceMesh } from "@meshwright/sharding";
import type { Trainer } from "../gpt/trainer.ts";
import { wholeTrainer } from "../gpt/whole-model.ts";
import type { MoETrainOptions } from "./run-data.ts";

/** The axes of the example; `pp` has one rank. */
export type MoEMesh = DeviceMesh<{
  readonly dp: number;
  readonly pp: number;
  readonly ep: number;
  readonly tp: number;
}>;

/** Builds and fills the model. `onLoad` gets the load of every layer in each training step, the first is step 1. */
export function moeModel(
  mesh: MoEMesh,
  { model: sizes, moe, seed }: MoETrainOptions,
  onLoad: (record: ExpertLoadRecord) => void,
): Trainer {
  const parallel = { mesh, expertAxis: "ep", tensorAxis: "tp", dataAxes: ["dp"] } as const;
  const model = moeGPT({ ...sizes, moe: { ...moe, onLoad }, parallel });
  initialize(model, { seed });
  const trainer = wholeTrainer(model, { mesh, batchAxes: ["dp", "ep"] });
  let step = 0;
  /** Neither losses nor records of experts. */
  function outsideTraining<Result>(run: () => Result): Result {
    setTraining(model, false);
    try {
      return run();
    } finally {
      setTraining(model, true);
    }
  }
  return {
    ...trainer,
    step(batch, optimizer) {
      setRouterStep(model, ++step);
      const timing = trainer.step(batch, optimizer);
      finishMoEStep(model);
      return timing;
    },
    evaluate: (batch) => outsideTraining(() => trainer.evaluate(batch)),
    logits: (tokens) => outsideTraining(() => trainer.logits(tokens)),
  };
}
