/**
 * Loads a Mixtral of Hugging Face into a `moeLlama` on a mesh, and returns its logits; may save it again.
 */
import {
  defineProgram,
  loadHuggingFace,
  namedParameters,
  readHuggingFaceConfig,
  saveHuggingFace,
} from "@meshwright/core";
import { createMesh, shard, Shard } from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";
import { mixtralOptionsFromConfig } from "../../src/models/hugging-face/mixtral-config.ts";
import { MIXTRAL } from "../../src/models/hugging-face/mixtral.ts";
import { moeLlama } from "../../src/models/moe-llama.ts";

/** What to load, and where. */
export interface MixtralRun {
  readonly ep: number;
  readonly tp: number;
  readonly folder: string;
  readonly tokens: readonly (readonly number[])[];
  readonly saveTo?: string;
}

/** What came of it. */
export interface MixtralOutcome {
  readonly logits: readonly number[];
  /** Choices per expert, of each block. */
  readonly counts: readonly (readonly number[])[];
  readonly bytesRead: number;
  /** Bytes of this rank's parts. */
  readonly bytesHeld: number;
  /** Growth of live tensors, beyond one per parameter. */
  readonly leaked: number;
}

export default defineProgram<MixtralRun, unknown, MixtralOutcome>(({ world, options }) => {
  const { folder, saveTo } = options;
  const mesh = createMesh(world, { ep: options.ep, tp: options.tp });
  const before = tf.memory().numTensors;
  const { moe, ...llama } = mixtralOptionsFromConfig(readHuggingFaceConfig(folder));
  const counts: number[][] = [];
  const model = moeLlama({
    ...llama,
    moe: { ...moe, onLoad: (record) => void counts.push([...record.counts]) },
    parallel: { mesh, expertAxis: "ep", tensorAxis: "tp" },
  });
  const kinds = [MIXTRAL];
  const { bytesRead, config } = loadHuggingFace(model, folder, { kinds, maxGapBytes: 0 });
  if (saveTo !== undefined) saveHuggingFace(model, saveTo, { config, kinds, group: world.group });
  const logits = tf.tidy(() => {
    const whole = tf.tensor2d(options.tokens as number[][], undefined, "int32");
    return [...model.apply(shard(whole, mesh, { ep: Shard(0) })).dataSync()];
  });
  const parameters = [...namedParameters(model).values()];
  const bytesHeld = parameters.reduce(
    (sum, { shard: part, shape }) => sum + 4 * (part?.localShape ?? shape).reduce((a, b) => a * b, 1),
    0,
  );
  const leaked = tf.memory().numTensors - before - parameters.length;
  for (const parameter of parameters) parameter.dispose();
  return { logits, counts, bytesRead: bytesRead.data, bytesHeld, leaked };
});
