/**
 * What a finished training must have communicated, by the formulas.
 *
 * @packageDocumentation
 */
import { microBatches } from "@meshwright/pipeline";
import {
  predictDataParallel,
  predictStageMessages,
  predictTensorParallel,
  type Predicted,
} from "./predict-communication.ts";
import type { TrainOptions, TrainResult } from "./run-data.ts";

/** By `"axis collective"`, of rank 0 and one step. */
export function predictionsFor({
  trainOptions,
  results,
}: {
  readonly trainOptions: TrainOptions;
  readonly results: readonly TrainResult[];
}): ReadonlyMap<string, Predicted> {
  const { mesh, model, batchSize, pipeline: schedule } = trainOptions;
  const { part, bytes } = results[0]!;
  // A rank with a short last shard sends what its own shard needs; the formulas take the first rank's.
  const rows = microBatches(batchSize, schedule?.numMicroBatches ?? 1, { unit: mesh.dp }).map((one) =>
    Math.ceil(one.rows / mesh.dp),
  );
  const hasLoss = schedule === undefined || schedule.stages[0]!.includes(schedule.stages.flat().length - 1);
  const work = {
    ...{ rows, blocks: part.blocks, recompute: schedule?.recompute ?? false },
    // The first rank holds the first stage.
    ...{ hasEmbedding: true, hasHead: hasLoss },
  };
  const numBuckets = part.buckets;
  const predictions = new Map([
    ["tp allReduce", predictTensorParallel(model, { tp: mesh.tp, work })],
    [
      "dp allReduce",
      predictDataParallel({ ...{ dp: mesh.dp, numBuckets, hasLoss }, parameterBytes: bytes.parameters }),
    ],
  ]);
  if (schedule) predictions.set("pp send", predictStageMessages(model, { schedule, work }));
  return predictions;
}
