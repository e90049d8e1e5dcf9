/**
 * Trains one model on this rank, whatever it is made of.
 *
 * @packageDocumentation
 */
import {
  AdamW,
  noDecayForVectors,
  timeCollectives,
  warmupCosine,
  type ProgramContext,
  type World,
} from "@meshwright/core";
import { liveBytes, localBytes, packBuckets } from "@meshwright/sharding";
import { tokenDataset } from "../data/token-dataset.ts";
import { openCheckpoints } from "./checkpoints.ts";
import { generate } from "./generate.ts";
import type { TrainOptions, TrainResult, TrainUpdate } from "./run-data.ts";
import type { StepCollective } from "./trace.ts";
import { runTrainingLoop } from "./training-loop.ts";
import type { Trainer, TrainMesh } from "./trainer.ts";

/** A model on its mesh. */
export interface ModelOnMesh {
  readonly mesh: TrainMesh;
  readonly trainer: Trainer;
}

/**
 * Trains from the first step, or the last checkpoint, to `options.steps`; then generates a sample. A collective.
 *
 * @param build - makes the model; its mesh must be made of the world that it gets, whose collectives are timed
 */
export async function trainModel(
  context: Pick<ProgramContext<TrainOptions, TrainUpdate>, "world" | "options" | "report">,
  build: (world: World) => ModelOnMesh,
): Promise<TrainResult> {
  const { options, report } = context;
  const collectives: StepCollective[] = [];
  const world = timeCollectives(context.world, (span) => {
    collectives.push({ ...span, liveBytes: liveBytes() });
  });
  const dataset = tokenDataset(options.tokens);
  const { mesh, trainer } = build(world);
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
  const { model: sizes, seed, prompt, sampleTokens: numTokens } = options;
  const sample = generate((tokens) => trainer.logits(tokens), {
    ...{ prompt, numTokens, seed },
    contextLength: sizes.contextLength,
  });
  return {
    host: world.hosts[world.rank]!,
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
}

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
