/**
 * What every rank runs: trains a GPT, data-parallel over `dp`, tensor-parallel over `tp` and in stages over `pp`.
 *
 * @packageDocumentation
 */
import { AdamW, defineProgram, noDecayForVectors, warmupCosine } from "@meshwright/core";
import {
  countCommunication,
  createMesh,
  liveBytes,
  localBytes,
  type Communication,
} from "@meshwright/sharding";
import { tokenDataset } from "../data/token-dataset.ts";
import { generate } from "./generate.ts";
import { pipelineModel } from "./pipeline-model.ts";
import type { StepTiming, TrainOptions, TrainResult, TrainUpdate } from "./run-data.ts";
import type { Trainer } from "./trainer.ts";
import { wholeModel } from "./whole-model.ts";

export default defineProgram<TrainOptions, TrainUpdate, TrainResult>(({ world, options, report }) => {
  const { dp, pp, tp } = options.mesh;
  const mesh = createMesh(world, { dp, pp, tp });
  const dataset = tokenDataset(options.tokens);
  const { model: sizes, batchSize, steps, seed, pipeline } = options;
  const shape = { batchSize, contextLength: sizes.contextLength };

  const trainer = pipeline ? pipelineModel(mesh, options, pipeline) : wholeModel(mesh, options);
  const initialHash = trainer.parameterHash();
  const optimizer = new AdamW(trainer.parameters, {
    learningRate: warmupCosine(options.schedule),
    betas: [0.9, 0.95],
    weightDecay: 0.1,
    groups: [noDecayForVectors],
  });

  const evaluate = (): number => {
    const batches = dataset.validationBatches({ ...shape, numBatches: options.validationBatches });
    const losses = batches.map((batch) => trainer.evaluate(batch));
    return losses.reduce((a, b) => a + b, 0) / losses.length;
  };

  const losses: number[] = [];
  const validation: { step: number; loss: number }[] = [];
  const timings: StepTiming[] = [];
  let communication: Communication<StepTiming>["totals"] = [];
  for (let step = 1; step <= steps; step++) {
    const batch = dataset.batchAt(step - 1, { ...shape, seed });
    const counted = countCommunication(world, () => trainer.step(batch, optimizer));
    communication = counted.totals;
    losses.push(counted.result.loss);
    timings.push(counted.result);
    if (world.rank === 0)
      report({ kind: "step", step, loss: counted.result.loss, stepMs: counted.result.totalMs });
    if (step % options.validateEvery === 0 || step === steps) {
      const loss = evaluate();
      validation.push({ step, loss });
      if (world.rank === 0) report({ kind: "validation", step, loss });
    }
  }
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
    losses,
    validation,
    timings,
    communication,
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
  return { blocks: blocks.size, tensors: parameters.size };
}
