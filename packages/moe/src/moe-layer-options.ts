/**
 * The settings of a mixture-of-experts layer.
 *
 * @packageDocumentation
 */
import type { Initializer } from "@meshwright/core";
import type { AxisName, DeviceMesh, MeshAxes } from "@meshwright/sharding";
import type { ExpertLoadRecord } from "./load/expert-load-record.ts";
import type { RouterOptions } from "./router.ts";
import type { DropPolicy } from "./token-drop.ts";

/** What keeps experts equally busy. Coefficients default to 0: off. */
export interface BalanceOptions {
  /** Coefficient of `switchLoss` over the tokens of one call: of a micro-batch, over all ranks. */
  readonly loss?: number;
  /**
   * Coefficient of `switchLoss` whose counts are those of all micro-batches of the step so far. `finishMoEStep` ends the
   * step.
   */
  readonly globalLoss?: number;
  /** Coefficient of `sequenceSwitchLoss`; the input must be `[B, S, D]`. */
  readonly sequenceLoss?: number;
  /** Coefficient of `zLoss`. */
  readonly zLoss?: number;
  /** Coefficient of `importanceLoss`. */
  readonly importanceLoss?: number;
  /** How far a bias per expert moves per step, see `nextBalanceBias`; `finishMoEStep` moves it. */
  readonly biasRate?: number;
}

/** How many tokens an expert takes at most. */
export interface LayerCapacity {
  /** 1 is an even share of the choices. */
  readonly factor: number;
  /** The least capacity. Default 1. */
  readonly minimum?: number;
  /** Which choices are dropped. Default `"position"`. */
  readonly drop?: DropPolicy;
  /** Whether every expert gets exactly its capacity of rows from each rank, zeros where it has fewer. Default false. */
  readonly pad?: boolean;
  /** Whether a token's remaining weights are scaled up to their sum before the drop. Default false. */
  readonly renormalize?: boolean;
  /**
   * Which tokens compete: those of all ranks (`"global"`, default: the same result on every mesh), or those of one rank, as
   * in Megatron, with the capacity of the largest share of the tokens that a rank has.
   */
  readonly scope?: "global" | "rank";
}

/** Where a layer's experts and tokens are. */
export interface MoEParallel<Axes extends MeshAxes = MeshAxes> {
  readonly mesh: DeviceMesh<Axes>;
  /** Splits the experts, and the tokens too. Its size divides the number of experts. Default: none. */
  readonly expertAxis?: AxisName<Axes> | undefined;
  /** Splits the hidden features of every expert. Default: none. */
  readonly tensorAxis?: AxisName<Axes> | undefined;
  /** Split the tokens, beside the expert axis. Default: none. */
  readonly dataAxes?: readonly AxisName<Axes>[] | undefined;
}

/** Settings of a `MoELayer`. */
export interface MoELayerOptions<Axes extends MeshAxes = MeshAxes> {
  /** D. */
  readonly features: number;
  /** F, of each expert. */
  readonly hidden: number;
  /** E. */
  readonly numExperts: number;
  /** K: experts per token; with `expertChoice` on average. */
  readonly topK: number;
  /** Names the layer in errors and records, and its random stream; for example `"blocks.1.mlp"`. */
  readonly name: string;
  /** Of the router's jitter and noise. */
  readonly seed?: number;
  /** Of the experts. Default `"gelu"`. */
  readonly activation?: "gelu" | "swiglu";
  /** How experts are chosen. */
  readonly router?: Omit<RouterOptions, "features" | "numExperts" | "topK" | "name" | "seed">;
  /**
   * Whether every expert takes the `ceil(T K / E)` tokens with the largest scores, instead of every token K experts. All
   * experts are equally busy; a token may have none. Not for causal models: a token's experts then depend on later tokens.
   * See `chooseTokens`. Default false.
   */
  readonly expertChoice?: boolean;
  /** What keeps experts equally busy. Default: nothing. */
  readonly balance?: BalanceOptions;
  /** Default: none, nothing is dropped. */
  readonly capacity?: LayerCapacity;
  /** How tokens get to experts on other ranks. Default `"all-to-all"`. */
  readonly dispatcher?: "all-to-all" | "all-gather";
  /** A feed-forward module that every token visits. Default: none. */
  readonly sharedExperts?: { readonly hidden: number };
  /** Default: one rank. */
  readonly parallel?: MoEParallel<Axes> | undefined;
  /** Called after each forward pass in training; may be set later. */
  readonly onLoad?: (record: ExpertLoadRecord) => void;
  /** Of the weights into the hidden features. Default: uniform with bound `1 / sqrt(D)`. */
  readonly initializer?: Initializer;
  /** Of the weights out of them. Default: `initializer`, or uniform with bound `1 / sqrt(F)`. */
  readonly downInitializer?: Initializer;
}

/** Where the tokens and experts of a layer are, checked. */
export interface ResolvedParallel {
  readonly mesh: DeviceMesh;
  readonly expertAxis: string | undefined;
  readonly tensorAxis: string | undefined;
  /** Axes that split the tokens, the expert axis included, in the mesh's order. */
  readonly tokenAxes: readonly string[];
}

/** The same, without the names of the mesh's axes in its type. */
export function withPlainNames<Axes extends MeshAxes>(
  parallel: MoEParallel<Axes> | undefined,
): MoEParallel | undefined {
  if (parallel === undefined) return undefined;
  const { mesh, expertAxis, tensorAxis, dataAxes } = parallel;
  return { mesh, expertAxis, tensorAxis, dataAxes };
}

/** Axes in one form. The options must have passed the checks. */
export function resolveParallel({ parallel }: MoELayerOptions): ResolvedParallel | undefined {
  if (parallel === undefined) return undefined;
  const { mesh, expertAxis, tensorAxis, dataAxes = [] } = parallel;
  const split = new Set<string | undefined>([expertAxis, ...dataAxes]);
  return { mesh, expertAxis, tensorAxis, tokenAxes: mesh.axisNames.filter((axis) => split.has(axis)) };
}
