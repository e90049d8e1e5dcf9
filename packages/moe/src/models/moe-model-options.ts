/**
 * The mixture-of-experts layers of a model, and the mesh that it is split over.
 *
 * @packageDocumentation
 */
import { InternalError, type CreateMLP } from "@meshwright/core";
import type { MeshAxes, ParallelModelOptions } from "@meshwright/sharding";
import type { MoELayerOptions, MoEParallel } from "../moe-layer-options.ts";
import { MoELayer } from "../moe-layer.ts";
import { expertBlocks, type ExpertBlocks } from "./expert-blocks.ts";

/** Settings that all layers of a model share. */
type LayerSettings = Pick<
  MoELayerOptions,
  | "numExperts"
  | "topK"
  | "seed"
  | "router"
  | "balance"
  | "capacity"
  | "dispatcher"
  | "sharedExperts"
  | "onLoad"
>;

/** Experts in place of the feed-forward modules of some blocks. */
export interface MoEOptions extends LayerSettings, ExpertBlocks {
  /** Hidden features of an expert. Default: those of the model's feed-forward modules. */
  readonly hidden?: number;
}

/** What is split over which axis. */
export interface MoEModelParallel<Axes extends MeshAxes>
  extends MoEParallel<Axes>, Pick<ParallelModelOptions<Axes>, "vocabParallel" | "sequenceParallel"> {}

/** What a model with experts has beside the options of the dense one. */
export interface MoEModelOptions<Axes extends MeshAxes = MeshAxes> {
  readonly moe: MoEOptions;
  /**
   * The tensor axis splits heads, hidden features of dense blocks and experts, and the vocabulary; the expert axis splits
   * experts, and tokens as the data axes do. Default: one rank.
   */
  readonly parallel?: MoEModelParallel<Axes>;
}

/**
 * Makes feed-forward modules: experts in the blocks that have them, `dense` in the others.
 *
 * @throws ContractError if no block would have experts, or a setting is wrong.
 */
export function expertsOrDense<Axes extends MeshAxes>(
  where: string,
  { moe, parallel }: MoEModelOptions<Axes>,
  model: {
    readonly layers: number;
    readonly activation: "gelu" | "swiglu";
    readonly dense: CreateMLP;
  },
): CreateMLP {
  const { everyNth, firstDense, hidden, ...settings } = moe;
  const chosen = new Set(
    expertBlocks(where, {
      layers: model.layers,
      ...(everyNth !== undefined && { everyNth }),
      ...(firstDense !== undefined && { firstDense }),
    }),
  );
  const { activation } = model;
  return (options) => {
    const { block, features, hiddenFeatures, initializer, downInitializer } = options;
    if (block === undefined) {
      throw new InternalError(`${where}: a block does not say its number; please report this.`);
    }
    if (!chosen.has(block)) return model.dense(options);
    return new MoELayer<Axes>({
      ...{ ...settings, features, hidden: hidden ?? hiddenFeatures, activation, name: `blocks.${block}.mlp` },
      ...(initializer && { initializer }),
      ...(downInitializer && { downInitializer }),
      ...(parallel && { parallel: layerParallel(parallel) }),
    });
  };
}

function layerParallel<Axes extends MeshAxes>(parallel: MoEModelParallel<Axes>): MoEParallel<Axes> {
  const { mesh, expertAxis, tensorAxis, dataAxes } = parallel;
  return {
    mesh,
    ...(expertAxis !== undefined && { expertAxis }),
    ...(tensorAxis !== undefined && { tensorAxis }),
    ...(dataAxes && { dataAxes }),
  };
}
