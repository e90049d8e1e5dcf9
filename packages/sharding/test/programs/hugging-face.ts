/**
 * Loads a Hugging Face model into a parallel one and returns its logits; may save it again.
 */
import {
  defineProgram,
  gptOptionsFromConfig,
  initialize,
  llamaOptionsFromConfig,
  loadHuggingFace,
  namedParameters,
  readHuggingFaceConfig,
  saveHuggingFace,
  type GPT,
  type Llama,
} from "@meshwright/core";
import {
  createMesh,
  DataParallel,
  parallelGPT,
  parallelLlama,
  shard,
  Shard,
  type DeviceMesh,
} from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";
import { thrownText } from "./thrown-text.ts";

/** What to load, and where. */
export interface HuggingFaceRun {
  readonly mesh: { readonly dp?: number; readonly tp?: number };
  readonly folder: string;
  readonly tokens: readonly (readonly number[])[];
  readonly maxGapBytes?: number;
  readonly sequenceParallel?: boolean;
  /** Split parameters over dp too. */
  readonly zero3?: boolean;
  /** Initialize before loading. */
  readonly initialize?: boolean;
  readonly saveTo?: string;
}

/** What came of it. */
export interface HuggingFaceOutcome {
  readonly logits: readonly number[];
  readonly bytesRead: { readonly header: number; readonly data: number };
  /** Bytes of this rank's parts. */
  readonly bytesHeld: number;
  /** Growth of live tensors by loading, beyond one per parameter, and by saving. */
  readonly leaked: number;
  /** What saving without a group throws. */
  readonly refusal: string;
}

export default defineProgram<HuggingFaceRun, unknown, HuggingFaceOutcome>(({ world, options }) => {
  const mesh = createMesh(world, { dp: options.mesh.dp ?? 1, tp: options.mesh.tp ?? 1 });
  const model = build(mesh, options);
  if (options.zero3 === true) new DataParallel(model, { mesh, axis: "dp", stage: 3 });
  const parameters = [...namedParameters(model).values()];
  if (options.initialize === true) initialize(model, { seed: 2 });
  const before = tf.memory().numTensors + (options.initialize === true ? 0 : parameters.length);
  const { maxGapBytes } = options;
  const loaded = loadHuggingFace(model, options.folder, {
    ...(maxGapBytes !== undefined && { maxGapBytes }),
  });

  let refusal = "nothing";
  const { saveTo } = options;
  if (saveTo !== undefined) {
    const { config } = loaded;
    refusal = thrownText(() => {
      saveHuggingFace(model, saveTo, { config });
    });
    saveHuggingFace(model, saveTo, { config, group: world.group });
  }
  const leaked = tf.memory().numTensors - before;
  const logits = tf.tidy(() => {
    const whole = tf.tensor2d(options.tokens as number[][], undefined, "int32");
    const tokens = shard(whole, mesh, { dp: Shard(0) });
    return [...model.apply(tokens).dataSync()];
  });
  const bytesHeld = parameters.reduce(
    (sum, { shard: part, shape }) => sum + 4 * count(part?.localShape ?? shape),
    0,
  );
  return { logits, bytesRead: loaded.bytesRead, bytesHeld, leaked, refusal };
});

function build(
  mesh: DeviceMesh<{ dp: number; tp: number }>,
  { folder, sequenceParallel = false }: HuggingFaceRun,
): GPT | Llama {
  const config = readHuggingFaceConfig(folder);
  const split = { mesh, axis: "tp", sequenceParallel } as const;
  return config.model_type === "gpt2"
    ? parallelGPT({ ...split, ...gptOptionsFromConfig(config) })
    : parallelLlama({ ...split, ...llamaOptionsFromConfig(config) });
}

function count(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}
