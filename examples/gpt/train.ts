/**
 * What every rank runs: trains a GPT, data-parallel over `dp`, tensor-parallel over `tp` and in stages over `pp`.
 *
 * @packageDocumentation
 */
import { defineProgram } from "@meshwright/core";
import { createMesh } from "@meshwright/sharding";
import { pipelineModel } from "./pipeline-model.ts";
import type { TrainOptions, TrainResult, TrainUpdate } from "./run-data.ts";
import { trainModel } from "./train-model.ts";
import { wholeModel } from "./whole-model.ts";

export default defineProgram<TrainOptions, TrainUpdate, TrainResult>((context) =>
  trainModel(context, (world) => {
    const { options } = context;
    const { dp, pp, tp } = options.mesh;
    const mesh = createMesh(world, { dp, pp, tp });
    const { pipeline } = options;
    return { mesh, trainer: pipeline ? pipelineModel(mesh, options, pipeline) : wholeModel(mesh, options) };
  }),
);
