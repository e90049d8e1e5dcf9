/**
 * What every rank runs: trains a GPT, data-parallel over `dp`, tensor-parallel over `tp` and in stages over `pp`.
 *
 * @packageDocumentation
 */
import { AdamW, defineProgram, noDecayForVectors, timeCollectives, warmupCosine } from "@meshwright/core";
import { createMesh, liveBytes, localBytes, packBuckets } from "@meshwright/sharding";
import { tokenDataset } from "../data/token-dataset.ts";
import { openCheckpoints } from "./checkpoints.ts";
import { generate } from "./generate.ts";
import { pipelineModel } from "./pipeline-model.ts";
import type { TrainOptions, TrainResult, TrainUpdate } from "./run-data.ts";
import type { StepCollective } from "./trace.ts";
import { runTrainingLoop } from "./training-loop.ts";
import type { Trainer } from "./trainer.ts";
import { wholeModel } from "./whole-model.ts";

export default defineProgram<TrainOptions, TrainUpdate, TrainResult>(async (context) => {
  const { options, report } = context;
  const collectives: StepCollective[] = [];
  const world = timeCollectives(context.world, (span) => {
    collectives.push({ ...span, liveBytes: liveBytes() });
  });
  const { dp, pp, tp } = options.mesh;
  const mesh = createMesh(world, { dp, pp, tp });
  const dataset = tokenDataset(options.tokens);
  const { model: sizes, seed, pipeline } = options;

  const trainer = pipeline ? pipelineModel(mesh, options, pipeline) : wholeModel(mesh, options);
  const initialHash = trainer.parameterHash();
  const optimizer = new AdamW(trainer.parameters, {
    learningRate: warmupCosine(options.schedule),
    betas: [0.9, 0.95],
    weightDecay: 0.1,
    groups: [noDecayForVectors],
  });

  const takeCollectives = (): readonly StepCollective[] => collectives.splice(0);
  const checkpoints = await openCheckpoints({ mesh, trainer, optimizer }, options);
  const record = await runTrainingLoop({
    ...{ world, dataset, trainer, optimizer, options, checkpoints, takeCollectives, report },
  });
  const bytes = bytesOf(trainer, optimizer);
  const { prompt, sampleTokens: numTokens } = options;
  const sample = generate((tokens) => trainer.logits(tokens), {
    ...{ prompt, numTokens, seed },
    contextLength: sizes.contextLength,
  });
  return {
    engine: world.engine.name,
    parameters: trainer.numParameters,
    parameterHash: initialHash,
    finalHash: trainer.parameterHash(),
    ...record,
    part: partOf(trainer),
    pipeline: trainer.pipeline,
    bytes,
    sample,
  };
});

function bytesOf({ parameters }: Trainer, optimizer: AdamW): TrainResult["bytes"] {
  return {
    parameters: localBytes([...parameters.values()].map(({ variable }) => variable)),
    optimizer: localBytes([...optimizer.states.values()].flatMap(({ m, v }) => [m, v])),
    live: liveBytes(),
  };
}

function partOf({ parameters }: Trainer): TrainResult["part"] {
  const blocks = new Set([...parameters.keys()].flatMap((name) => /^blocks\.\d+/.exec(name) ?? []));
  const gradientBytes = [...parameters.values()].map(({ variable }) => localBytes([variable]));
  return { blocks: blocks.size, buckets: packBuckets(gradientBytes).length };
}
