/**
 * Which models are trained on which meshes.
 *
 * @packageDocumentation
 */
import type { GPTOptions, LlamaOptions } from "@meshwright/core";
import type { ZeROStage } from "@meshwright/sharding";

/** Data-, context- and tensor-parallel ranks. */
export interface TrainingMesh extends Readonly<Record<string, number>> {
  readonly dp: number;
  readonly cp: number;
  readonly tp: number;
}

/** One way to train. */
export interface Setting {
  readonly name: string;
  readonly mesh: TrainingMesh;
  readonly sequenceParallel: boolean;
  readonly stage: ZeROStage;
}

/** The models. */
export const MODELS = ["gpt", "llama"] as const;

/** A model's name. */
export type ModelName = (typeof MODELS)[number];

/** The dense twin. */
export const DENSE: Setting = setting("1", {});

/** One training per setting and model. The last but one has all that makes gradients lie in different ways. */
export const SETTINGS: readonly Setting[] = [
  DENSE,
  setting("tp 2", { tp: 2 }),
  setting("tp 4", { tp: 4 }),
  setting("dp 2", { dp: 2 }),
  setting("dp 2 x tp 2", { dp: 2, tp: 2 }),
  setting("tp 2, sequence", { tp: 2 }, { sequenceParallel: true }),
  setting("dp 2, ZeRO-1", { dp: 2 }, { stage: 1 }),
  setting("dp 2, ZeRO-2", { dp: 2 }, { stage: 2 }),
  setting("dp 2, ZeRO-3", { dp: 2 }, { stage: 3 }),
  setting("cp 2", { cp: 2 }),
  setting("dp 2 x tp 2, sequence, ZeRO-1", { dp: 2, tp: 2 }, { sequenceParallel: true, stage: 1 }),
  setting("dp 2 x cp 2 x tp 2", { dp: 2, cp: 2, tp: 2 }),
];

function setting(
  name: string,
  mesh: Partial<TrainingMesh>,
  how: Partial<Pick<Setting, "sequenceParallel" | "stage">> = {},
): Setting {
  return { name, mesh: { dp: 1, cp: 1, tp: 1, ...mesh }, sequenceParallel: false, stage: 0, ...how };
}

/** Ranks of a mesh. */
export function numRanks({ dp, cp, tp }: TrainingMesh): number {
  return dp * cp * tp;
}

/** Sequences of a batch: 3 and 2 of them on 2 ranks. */
export const BATCH = 5;
/** Positions of a sequence: a multiple of twice the ranks along cp. */
export const POSITIONS = 8;

// Pairwise different where they may be. 13 tokens give 7 and 6 rows on 2 ranks and 4, 4, 4, 1 on 4; 18 and 22 hidden
// features 5, 5, 5, 3 and 6, 6, 6, 4. Heads divide by 4.
export const GPT_SIZES = {
  ...{ vocabSize: 13, contextLength: 10, features: 12, heads: 4, layers: 2, mlpFeatures: 18 },
} as const satisfies GPTOptions;
export const LLAMA_SIZES = {
  ...{ vocabSize: 13, contextLength: 10, features: 12, heads: 8, keyValueHeads: 4, headFeatures: 2 },
  ...{ layers: 2, mlpFeatures: 22 },
} as const satisfies LlamaOptions;
