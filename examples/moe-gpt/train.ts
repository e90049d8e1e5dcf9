/**
 * What every rank runs: trains a GPT with experts, and records where its tokens go.
 *
 * @packageDocumentation
 */
import { defineProgram } from "@meshwright/core";
import { LoadRecorder } from "@meshwright/moe";
import { createMesh } from "@meshwright/sharding";
import type { TrainUpdate } from "../gpt/run-data.ts";
import { trainModel } from "../gpt/train-model.ts";
import { moeModel } from "./moe-model.ts";
import type { MoETrainOptions, MoETrainResult } from "./run-data.ts";

export default defineProgram<MoETrainOptions, TrainUpdate, MoETrainResult>(async (context) => {
  const { world, options, report } = context;
  const recorder = new LoadRecorder({
    onWarning({ message }) {
      if (world.rank === 0) report({ kind: "warning", message });
    },
  });
  const result = await trainModel(context, (timedWorld) => {
    const { dp, pp, ep, tp } = options.mesh;
    const mesh = createMesh(timedWorld, { dp, pp, ep, tp });
    return { mesh, trainer: moeModel(mesh, options, recorder.record) };
  });
  return { ...result, load: recorder.history };
});
