/**
 * What the command line says about experts.
 *
 * @packageDocumentation
 */
import { ContractError, GPT } from "@meshwright/core";
import {
  activeParameters,
  flopsPerToken,
  moeGPT,
  totalParameters,
  type FlopsPerToken,
} from "@meshwright/moe";
import type { ModelSizes } from "../gpt/run-data.ts";
import type { MoECommandOptions } from "./command.ts";
import type { MoETrainOptions } from "./run-data.ts";

/** Hidden features of a dense block, over its features. */
const EXPANSION = 4;

/** Enough for batches of this size, see docs/mixture-of-experts.md; large models take 0.01 to 0.001. */
const LOSS_COEFFICIENT = 0.1;
/** Ten times that of DeepSeek-V3, whose training is thousands of times as long. */
const BIAS_RATE = 0.01;

/** The experts of the model. */
export function moeOptions({ seed, extra }: MoECommandOptions): MoETrainOptions["moe"] {
  const { experts, topK, everyNth, capacityFactor, features } = extra;
  return {
    ...{ numExperts: experts, topK, everyNth, seed },
    hidden: extra.expertFeatures ?? (EXPANSION * features) / topK,
    ...balance(extra),
    ...(capacityFactor !== undefined && { capacity: { factor: capacityFactor } }),
  };
}

/**
 * The bias goes with sigmoid scores, as in DeepSeek-V3: it moves by a fixed step, so scores must be in a fixed range. A
 * single choice goes with its softmax over all experts, as in Switch: alone its weight would be 1, and teach the gate nothing.
 */
function balance({
  balance: kind,
  balanceStrength: strength,
  topK,
}: MoECommandOptions["extra"]): Pick<MoETrainOptions["moe"], "balance" | "router"> {
  const softmax = topK === 1 ? ({ router: { order: "scoreFirst" } } as const) : {};
  switch (kind) {
    case "loss":
      return { balance: { loss: strength ?? LOSS_COEFFICIENT }, ...softmax };
    case "bias":
      return { balance: { biasRate: strength ?? BIAS_RATE }, router: { scoreFunction: "sigmoid" } };
    case "none":
      return softmax;
  }
}

/**
 * Builds the model once, without values, so that what does not fit is said before ranks start.
 *
 * @throws ContractError in the words of the command line, or of the model.
 */
export function checkExperts(options: MoECommandOptions): void {
  const { mesh, extra } = options;
  const { experts, topK, features, expertFeatures } = extra;
  if (experts % mesh.ep !== 0) {
    throw new ContractError(
      `--experts (${experts}) must be a multiple of the ranks on ep (${mesh.ep}); use --experts ${Math.ceil(experts / mesh.ep) * mesh.ep}.`,
    );
  }
  if (expertFeatures === undefined && (EXPANSION * features) % topK !== 0) {
    throw new ContractError(
      `--top-k (${topK}) must divide 4 * --features (${EXPANSION * features}), for a dense model of the same work; use --expert-features.`,
    );
  }
  modelFacts({ ...sizesOf(extra), vocabSize: 1 }, moeOptions(options));
}

function sizesOf({
  contextLength,
  features,
  heads,
  layers,
}: MoECommandOptions["extra"]): Omit<ModelSizes, "vocabSize"> {
  return { contextLength, features, heads, layers };
}

/** Sizes and work of a model with experts, and of the dense one beside it. */
export interface ModelFacts {
  readonly totalParameters: number;
  readonly activeParameters: number;
  readonly denseParameters: number;
  /** Of a token's forward pass. */
  readonly flops: FlopsPerToken;
  readonly denseFlops: number;
}

/** Counts without allocating anything. */
export function modelFacts(sizes: ModelSizes, moe: MoETrainOptions["moe"]): ModelFacts {
  const model = moeGPT({ ...sizes, moe });
  const dense = new GPT(sizes);
  const sequence = sizes.contextLength;
  return {
    totalParameters: totalParameters(model),
    activeParameters: activeParameters(model),
    denseParameters: totalParameters(dense),
    flops: flopsPerToken(model, { sequence }),
    denseFlops: flopsPerToken(dense, { sequence }).active,
  };
}
